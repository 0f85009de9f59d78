#include "controller/lease.hpp"

#include <gtest/gtest.h>

#include "support/fake_clock.hpp"

namespace alphorn::controller {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kNow{seconds{1795355100}};

json held(const std::string& holder, int promised, const std::string& renewed) {
  return {{"metadata", {{"name", "l"}, {"namespace", "ns"}, {"resourceVersion", "7"}}},
          {"spec",
           {{"holderIdentity", holder},
            {"leaseDurationSeconds", promised},
            {"acquireTime", "2026-01-01T00:00:00.000000Z"},
            {"renewTime", renewed},
            {"leaseTransitions", 4}}}};
}

class LeaseTest : public testing::Test {
 protected:
  test::FakeClock clock_;
  LeaseView view_{"ns", "l", "me", milliseconds{15000}};
};

TEST_F(LeaseTest, AnothersLeaseIsFreeOnlyAfterItsTimeWithoutAChange) {
  view_.observe(held("other", 10, "a"), clock_.now());
  clock_.step(seconds{9});
  view_.observe(held("other", 10, "b"), clock_.now());  // renewed
  clock_.step(seconds{10});
  view_.observe(held("other", 10, "b"), clock_.now());
  EXPECT_FALSE(view_.may_take(clock_.now()));
  clock_.step(milliseconds{1});
  EXPECT_TRUE(view_.may_take(clock_.now()));
}

TEST_F(LeaseTest, AForeignClockDoesNotMatter) {
  view_.observe(held("other", 10, "1970-01-01T00:00:00.000000Z"), clock_.now());
  EXPECT_FALSE(view_.may_take(clock_.now()));
}

TEST_F(LeaseTest, AReleasedLeaseIsFreeAtOnce) {
  view_.observe(held("", 1, "a"), clock_.now());
  EXPECT_TRUE(view_.may_take(clock_.now()));
}

TEST_F(LeaseTest, TakingCountsATransitionAndKeepsTheVersion) {
  view_.observe(held("other", 10, "a"), clock_.now());
  const json taken = view_.taken(kNow);
  EXPECT_EQ(string_at(taken, "spec/holderIdentity"), "me");
  EXPECT_EQ(integer_at(taken, "spec/leaseTransitions"), 5);
  EXPECT_EQ(string_at(taken, "spec/acquireTime"), "2026-11-22T13:45:00.000000Z");
  EXPECT_EQ(string_at(taken, "metadata/resourceVersion"), "7") << "the write must be conditional";
}

TEST_F(LeaseTest, RenewingKeepsWhenItWasTaken) {
  view_.observe(held("me", 15, "a"), clock_.now());
  const json renewed = view_.taken(kNow);
  EXPECT_EQ(integer_at(renewed, "spec/leaseTransitions"), 4);
  EXPECT_EQ(string_at(renewed, "spec/acquireTime"), "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(string_at(renewed, "spec/renewTime"), "2026-11-22T13:45:00.000000Z");
}

TEST_F(LeaseTest, ReleasingNamesNobody) {
  view_.observe(held("me", 15, "a"), clock_.now());
  const json released = view_.released(kNow);
  EXPECT_EQ(string_at(released, "spec/holderIdentity"), "");
  EXPECT_EQ(integer_at(released, "spec/leaseDurationSeconds"), 1);
}

}  // namespace
}  // namespace alphorn::controller
