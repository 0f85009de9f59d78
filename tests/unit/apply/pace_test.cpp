#include "apply/pace.hpp"

#include <gtest/gtest.h>

namespace alphorn::apply {
namespace {

using std::chrono::milliseconds;

/// A round of answers that took so long.
void round(Pace& pace, int took_ms, const std::string& kind = "PUT /x") {
  const int count = pace.allowed();
  for (int index = 0; index < count; ++index) ASSERT_TRUE(pace.enter({}));
  for (int index = 0; index < count; ++index) {
    pace.leave(kind, milliseconds(took_ms), Pace::Answer::good, {});
  }
}

TEST(Pace, GrowsWhileTheServerAnswersAsFastAsBefore) {
  Pace pace{{.first = 2, .least = 1, .most = 8}};
  for (int turn = 0; turn < 20; ++turn) round(pace, 10);
  EXPECT_EQ(pace.allowed(), 8);
}

TEST(Pace, ShrinksWhenTheServerSlowsDown) {
  Pace pace{{.first = 8, .least = 1, .most = 8}};
  round(pace, 10);
  round(pace, 100);
  EXPECT_LT(pace.allowed(), 8);
}

TEST(Pace, OneKindOfRequestMayTakeLongerThanAnother) {
  Pace pace{{.first = 6, .least = 1, .most = 24}};
  round(pace, 2, "GET /x");
  for (int turn = 0; turn < 5; ++turn) round(pace, 500, "PUT /x");
  EXPECT_EQ(pace.allowed(), 12);
  round(pace, 2, "GET /x");
  round(pace, 500, "GET /x");
  EXPECT_LT(pace.allowed(), 13);
}

TEST(Pace, SlownessAloneLeavesAFew) {
  Pace pace{{.first = 8, .least = 1, .few = 4, .most = 8}};
  round(pace, 10);
  for (int turn = 0; turn < 20; ++turn) round(pace, 1000 << turn);
  EXPECT_EQ(pace.allowed(), 4);
}

TEST(Pace, AMachineThatGotSlowerIsGrownUpToAgain) {
  Pace pace{{.first = 8, .least = 1, .few = 4, .most = 8}};
  round(pace, 10);
  for (int turn = 0; turn < 60; ++turn) round(pace, 100);
  EXPECT_EQ(pace.allowed(), 8);
}

TEST(Pace, ShrinksWhenTheServerAsksForPatience) {
  Pace pace{{.first = 8, .least = 1, .most = 8}};
  ASSERT_TRUE(pace.enter({}));
  pace.leave("GET /x", milliseconds(1), Pace::Answer::limited, milliseconds(0));
  EXPECT_EQ(pace.allowed(), 5);
}

TEST(Pace, NeverGoesBelowTheLeast) {
  Pace pace{{.first = 2, .least = 1, .most = 8}};
  for (int turn = 0; turn < 10; ++turn) {
    ASSERT_TRUE(pace.enter({}));
    pace.leave("GET /x", milliseconds(1), Pace::Answer::failed, milliseconds(0));
  }
  EXPECT_EQ(pace.allowed(), 1);
}

TEST(Pace, WhoIsStoppedDoesNotWait) {
  Pace pace{{.first = 1, .least = 1, .most = 1}};
  ASSERT_TRUE(pace.enter({}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(pace.enter(stop.get_token()));
}

}  // namespace
}  // namespace alphorn::apply
