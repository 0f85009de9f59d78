#include "controller/leader.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/cluster.hpp"

namespace alphorn::controller {
namespace {

using kube::kinds::kLease;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::eventually;

/// A replica that takes part in the election on a thread of its own.
class Candidate {
 public:
  Candidate(const std::string& ns, const std::string& identity,
            milliseconds lease_duration = milliseconds{3000})
      : election_(test::client(), {.ns = ns,
                                   .name = "leader",
                                   .identity = identity,
                                   .lease_duration = lease_duration,
                                   .renew_deadline = lease_duration * 2 / 3,
                                   .retry_period = milliseconds{200}}),
        thread_([this](const std::stop_token& stop) {
          clean_ = election_.run([this] { ++started_; }, [this] { ++stopped_; }, stop);
          ended_ = true;
        }) {}

  bool leading() const { return election_.leading(); }
  bool ended() const { return ended_; }
  bool clean() const { return clean_; }
  int started() const { return started_; }
  int stopped() const { return stopped_; }
  void stop() {
    thread_.request_stop();
    thread_.join();
  }

 private:
  LeaderElection election_;
  std::atomic<bool> clean_{false};
  std::atomic<bool> ended_{false};
  std::atomic<int> started_{0};
  std::atomic<int> stopped_{0};
  std::jthread thread_;
};

class LeaderElectionTest : public testing::Test {
 protected:
  json lease() const { return client_->get({kLease, ns_, "leader"}).value(); }

  std::shared_ptr<kube::Client> client_ = test::client();
  std::string ns_ = test::fresh_namespace(*client_, "leader");
};

TEST_F(LeaderElectionTest, OneLeadsAndHandsOverWhenItStops) {
  // So long that nobody comes to it by waiting.
  constexpr seconds kLong{300};
  Candidate first{ns_, "first", kLong};
  ASSERT_TRUE(eventually([&] { return first.started() == 1; }));
  Candidate second{ns_, "second", kLong};
  std::this_thread::sleep_for(milliseconds{1000});
  EXPECT_TRUE(first.leading());
  EXPECT_FALSE(second.leading());
  EXPECT_EQ(string_at(lease(), "spec/holderIdentity"), "first");

  first.stop();
  EXPECT_TRUE(first.clean());
  EXPECT_EQ(first.stopped(), 1);
  ASSERT_TRUE(eventually([&] { return second.started() == 1; }))
      << "a released lease is free at once";
  EXPECT_EQ(integer_at(lease(), "spec/leaseTransitions"), 1);
  second.stop();
}

TEST_F(LeaderElectionTest, TheLeaseOfADeadHolderIsTakenWhenItRanOut) {
  client_->create(kLease, {{"apiVersion", "coordination.k8s.io/v1"},
                           {"kind", "Lease"},
                           {"metadata", {{"name", "leader"}, {"namespace", ns_}}},
                           {"spec",
                            {{"holderIdentity", "dead"},
                             {"leaseDurationSeconds", 2},
                             // A clock far ahead must not keep the lease for ever.
                             {"renewTime", "2100-01-01T00:00:00.000000Z"}}}});
  const auto asked = steady_clock::now();
  Candidate candidate{ns_, "alive"};
  ASSERT_TRUE(eventually([&] { return candidate.leading(); }));
  EXPECT_GE(steady_clock::now() - asked, milliseconds{2000});
  candidate.stop();
}

TEST_F(LeaderElectionTest, ALeaderWhoseLeaseWasTakenEndsInTime) {
  Candidate leader{ns_, "first"};
  ASSERT_TRUE(eventually([&] { return leader.started() == 1; }));
  const auto stolen_at = steady_clock::now();
  ASSERT_TRUE(eventually([&] {
    try {
      json stolen = lease();
      stolen["spec"]["holderIdentity"] = "thief";
      stolen["spec"]["leaseDurationSeconds"] = 600;
      client_->replace(kLease, stolen);
      return true;
    } catch (const kube::ApiError&) {
      return false;
    }
  }));
  ASSERT_TRUE(eventually([&] { return leader.ended(); }));
  EXPECT_LT(steady_clock::now() - stolen_at, seconds{60})
      << "long before the thief's lease runs out";
  EXPECT_FALSE(leader.clean());
  EXPECT_EQ(leader.stopped(), 0);
  EXPECT_EQ(string_at(lease(), "spec/holderIdentity"), "thief") << "a lost lease is not released";
}

TEST_F(LeaderElectionTest, AStartThatFailsGivesTheLeaseBack) {
  LeaderElection election{client_, {.ns = ns_, .name = "leader", .identity = "unlucky"}};
  EXPECT_THROW(election.run([] { throw std::runtime_error("no cache"); }, [] {}, {}),
               std::runtime_error);
  EXPECT_EQ(string_at(lease(), "spec/holderIdentity"), "");
  EXPECT_FALSE(election.leading());
}

}  // namespace
}  // namespace alphorn::controller
