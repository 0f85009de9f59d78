#include "http/limited_transport.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "support/scripted_transport.hpp"

namespace alphorn::http {
namespace {

/// Holds every request until as many as are allowed are there at once, and counts.
class Crowd final : public Transport {
 public:
  explicit Crowd(int enough) : enough_(enough) {}

  Response send(const Request&, std::stop_token) override {
    std::unique_lock lock{mutex_};
    most_ = std::max(most_, ++inside_);
    met_ = met_ || inside_ == enough_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return met_; });
    --inside_;
    return {.status = 200};
  }
  Response stream(const Request&, const LineSink&, std::chrono::seconds, std::stop_token) override {
    return {};
  }
  int most() const { return most_; }

 private:
  const int enough_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  int most_ = 0;
  bool met_ = false;
};

TEST(LimitedTransport, LetsInAsManyAsAreAllowedAndNoMore) {
  const auto crowd = std::make_shared<Crowd>(3);
  const auto transport = limited(crowd, 3);
  {
    std::vector<std::jthread> threads;
    for (int count = 0; count < 8; ++count) {
      threads.emplace_back([&] {
        for (int request = 0; request < 20; ++request) transport->send({}, {});
      });
    }
  }
  EXPECT_EQ(crowd->most(), 3);
}

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
