#include "controller/leader.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/fake_clock.hpp"
#include "support/scripted_transport.hpp"

namespace alphorn::controller {
namespace {

using http::TransportError;
using std::chrono::milliseconds;

class LeaderTest : public testing::Test {
 protected:
  static json lease(const std::string& holder) {
    return {{"metadata", {{"name", "l"}, {"namespace", "ns"}, {"resourceVersion", "1"}}},
            {"spec", {{"holderIdentity", holder}, {"leaseDurationSeconds", 15}}}};
  }

  std::shared_ptr<test::ScriptedTransport> server_ = std::make_shared<test::ScriptedTransport>();
  test::FakeClock clock_;
  LeaderElection election_{std::make_shared<kube::Client>(server_),
                           {.ns = "ns",
                            .name = "l",
                            .identity = "me",
                            .lease_duration = milliseconds{15000},
                            .renew_deadline = milliseconds{50},
                            .retry_period = milliseconds{1}},
                           clock_};
};

TEST_F(LeaderTest, AServerThatNoLongerAnswersEndsLeadership) {
  server_->then(404, test::status_object(404, "NotFound")).then(201, lease("me"));
  // The renewal after that blocks: the script is at its end.
  bool stopped = false;
  const bool clean = election_.run(
      [this] {
        EXPECT_TRUE(election_.leading());
        ASSERT_TRUE(server_->wait_for_requests(3));
        clock_.step(milliseconds{51});
      },
      [&] { stopped = true; }, {});
  EXPECT_FALSE(clean);
  EXPECT_FALSE(stopped) << "there is no time to drain once another may lead";
  EXPECT_FALSE(election_.leading());
  EXPECT_EQ(server_->requests().size(), 3U) << "a lost lease must not be released";
}

TEST_F(LeaderTest, AStopBeforeItLeadsIsClean) {
  std::stop_source stop;
  std::jthread stopper([&] {
    server_->wait_for_requests(1);
    stop.request_stop();
  });
  EXPECT_TRUE(
      election_.run([] { FAIL() << "started"; }, [] { FAIL() << "stopped"; }, stop.get_token()));
}

TEST_F(LeaderTest, ALostRaceIsNotLeadership) {
  std::stop_source stop;
  server_->then(404, test::status_object(404, "NotFound"))
      .then(409, test::status_object(409, "AlreadyExists"))
      .then(200, lease("other"));
  std::jthread stopper([&] {
    server_->wait_for_requests(4);
    EXPECT_FALSE(election_.leading());
    stop.request_stop();
  });
  EXPECT_TRUE(election_.run([] { FAIL() << "started"; }, [] {}, stop.get_token()));
}

TEST_F(LeaderTest, AStuckLeaderIsNotAlive) {
  EXPECT_EQ(election_.check(), "");
  server_->then(404, test::status_object(404, "NotFound")).then(201, lease("me"));
  election_.run(
      [this] {
        clock_.step(std::chrono::seconds{35});
        EXPECT_EQ(election_.check(), "");
        clock_.step(std::chrono::seconds{1});
        EXPECT_EQ(election_.check(), "leads without having renewed its lease for 36 s");
      },
      [] {}, {});
}

}  // namespace
}  // namespace alphorn::controller
