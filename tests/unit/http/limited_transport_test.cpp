#include "http/limited_transport.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "support/scripted_transport.hpp"

namespace alphorn::http {
namespace {

class LimitedTransportTest : public testing::Test {
 protected:
  /// A request that ends in its own thread.
  std::jthread request(std::optional<TransportError::Kind>& ended, const std::stop_token& stop) {
    return std::jthread{[this, &ended, stop] {
      try {
        limited_->send({}, stop);
      } catch (const TransportError& error) {
        ended = error.kind();
      }
    }};
  }

  std::shared_ptr<test::ScriptedTransport> inner_ = std::make_shared<test::ScriptedTransport>();
  std::shared_ptr<Transport> limited_ = limited(inner_, 1);
  std::stop_source stop_first_;
  std::stop_source stop_second_;
  std::optional<TransportError::Kind> first_;
  std::optional<TransportError::Kind> second_;
};

TEST_F(LimitedTransportTest, WhoComesLaterWaitsItsTurn) {
  std::jthread first = request(first_, stop_first_.get_token());
  ASSERT_TRUE(inner_->wait_for_requests(1));
  std::jthread second = request(second_, stop_second_.get_token());
  EXPECT_EQ(inner_->requests().size(), 1U);
  inner_->then(Response{.status = 200}).then(Response{.status = 200});
  first.join();
  second.join();
  EXPECT_EQ(inner_->requests().size(), 2U);
  EXPECT_FALSE(first_ || second_);
}

TEST_F(LimitedTransportTest, AStopEndsTheWaitAndAFailureFreesThePlace) {
  std::jthread first = request(first_, stop_first_.get_token());
  ASSERT_TRUE(inner_->wait_for_requests(1));
  std::jthread second = request(second_, stop_second_.get_token());
  stop_second_.request_stop();
  second.join();
  EXPECT_EQ(second_, TransportError::Kind::stopped);
  EXPECT_EQ(inner_->requests().size(), 1U);
  stop_first_.request_stop();
  first.join();
  inner_->then(Response{.status = 200});
  EXPECT_EQ(limited_->send({}, {}).status, 200);
}

TEST_F(LimitedTransportTest, StreamsAreNotCounted) {
  std::jthread first = request(first_, stop_first_.get_token());
  ASSERT_TRUE(inner_->wait_for_requests(1));
  stop_second_.request_stop();
  EXPECT_THROW(limited_->stream(
                   {}, [](std::string_view) {}, std::chrono::seconds{1}, stop_second_.get_token()),
               TransportError);
  EXPECT_EQ(inner_->requests().size(), 2U);
  stop_first_.request_stop();
}

}  // namespace
}  // namespace alphorn::http
