#include "kube/backoff.hpp"

#include <gmock/gmock.h>

#include "support/fake_clock.hpp"

namespace alphorn::kube {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesUpToThirtySeconds) {
  test::FakeClock clock;
  Backoff backoff{clock, [] { return 0.0; }};
  std::vector<std::int64_t> delays;
  for (int count = 0; count < 8; ++count) {
    delays.push_back(backoff.next().count());
    clock.step(milliseconds{delays.back()});
  }
  EXPECT_THAT(delays, testing::ElementsAre(800, 1600, 3200, 6400, 12800, 25600, 30000, 30000));
}

TEST(Backoff, IsStretchedByUpToItsOwnLength) {
  test::FakeClock clock;
  Backoff backoff{clock, [] { return 0.5; }};
  EXPECT_EQ(backoff.next(), milliseconds{1200});
}

TEST(Backoff, StartsAnewAfterTwoHealthyMinutes) {
  test::FakeClock clock;
  Backoff backoff{clock, [] { return 0.0; }};
  backoff.next();
  backoff.next();
  clock.step(std::chrono::minutes{2});
  EXPECT_EQ(backoff.next(), milliseconds{3200}) << "the waits themselves do not count as healthy";
  clock.step(std::chrono::minutes{3});
  EXPECT_EQ(backoff.next(), milliseconds{800});
}

}  // namespace
}  // namespace alphorn::kube
