#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace alphorn {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(Time, IsWrittenAsKubernetesWritesIt) {
  EXPECT_EQ(format_time(TimePoint{seconds{1795355100}}), "2026-11-22T13:45:00Z");
  EXPECT_EQ(format_micro_time(TimePoint{seconds{1795355100}} + microseconds{42}),
            "2026-11-22T13:45:00.000042Z");
}

TEST(Time, IsReadWithZoneAndFraction) {
  EXPECT_EQ(parse_time("2026-11-22T13:45:00Z"), TimePoint{seconds{1795355100}});
  EXPECT_EQ(parse_time("2026-11-22T14:45:00+01:00"), TimePoint{seconds{1795355100}});
  EXPECT_EQ(parse_time("2026-11-22T13:45:00.25Z"),
            TimePoint{seconds{1795355100}} + microseconds{250000});
  EXPECT_EQ(parse_time("2026-11-22T13:45:00.123456789Z"),
            TimePoint{seconds{1795355100}} + microseconds{123456});
}

TEST(Time, NothingElseIsATime) {
  for (const char* text :
       {"", "2026-11-22", "2026-11-22T13:45:00", "2026-13-22T13:45:00Z", "2026-02-30T13:45:00Z",
        "2026-11-22T25:45:00Z", "2026-11-22T13:45:00.Z", "2026-11-22T13:45:00Zx", "yesterday"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

TEST(Time, RoundTripsBeforeTheEpoch) {
  const TimePoint time = TimePoint{seconds{-1}} + microseconds{5};
  EXPECT_EQ(format_micro_time(time), "1969-12-31T23:59:59.000005Z");
  EXPECT_EQ(parse_time(format_micro_time(time)), time);
}

}  // namespace
}  // namespace alphorn
