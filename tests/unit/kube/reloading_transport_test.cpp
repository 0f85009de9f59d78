#include "kube/reloading_transport.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <thread>

#include "support/fake_clock.hpp"
#include "support/scripted_transport.hpp"

namespace alphorn::kube {
namespace {

using http::TransportError;
using std::chrono::minutes;
using std::chrono::seconds;

/// Every transport that is made answers as scripted before: `scripts_` in turn.
class ReloadingTest : public testing::Test {
 protected:
  std::shared_ptr<test::ScriptedTransport> script() {
    scripts_.push_back(std::make_shared<test::ScriptedTransport>());
    return scripts_.back();
  }
  /// The next transport, for requests that all succeed.
  void script_answers(int count) {
    const auto transport = script();
    for (int number = 0; number < count; ++number) transport->then(200, json::object());
  }

  http::Endpoint read() {
    ++reads_;
    if (unreadable_) throw std::runtime_error("cannot read ca.crt");
    return endpoint_;
  }
  std::shared_ptr<http::Transport> make(const http::Endpoint& endpoint) {
    if (endpoint.ca_pem == "no PEM") throw std::invalid_argument("no PEM");
    made_.push_back(endpoint);
    return scripts_.at(made_.size() - 1);
  }
  ReloadingTransport reloading() {
    return ReloadingTransport{[this] { return read(); }, clock_,
                              [this](const http::Endpoint& endpoint) { return make(endpoint); }};
  }

  test::FakeClock clock_;
  http::Endpoint endpoint_{.url = "https://x", .ca_pem = "first"};
  bool unreadable_ = false;
  int reads_ = 0;
  std::vector<std::shared_ptr<test::ScriptedTransport>> scripts_;
  std::vector<http::Endpoint> made_;
};

TEST_F(ReloadingTest, ReadsAgainEveryFiveMinutes) {
  script_answers(3);
  script_answers(1);
  ReloadingTransport transport{reloading()};
  endpoint_.client_certificate_pem = "second";
  clock_.step(minutes{5} - seconds{1});
  transport.send({}, {});
  EXPECT_EQ(made_.size(), 1U);
  clock_.step(seconds{1});
  transport.send({}, {});
  ASSERT_EQ(made_.size(), 2U);
  EXPECT_EQ(made_.back().client_certificate_pem, "second");
  EXPECT_EQ(scripts_.back()->requests().size(), 1U);
}

TEST_F(ReloadingTest, WhatIsTheSameKeepsItsConnections) {
  script_answers(2);
  ReloadingTransport transport{reloading()};
  transport.check_soon();
  transport.send({}, {});
  EXPECT_EQ(reads_, 2);
  EXPECT_EQ(made_.size(), 1U);
}

TEST_F(ReloadingTest, ARefusedHandshakeIsTriedAgainWithWhatIsThereNow) {
  script()->then(TransportError(TransportError::Kind::tls, "no"));
  script_answers(1);
  ReloadingTransport transport{reloading()};
  endpoint_.ca_pem = "second";
  EXPECT_EQ(transport.send({}, {}).status, 200);
  EXPECT_EQ(made_.size(), 2U);
}

TEST_F(ReloadingTest, ARefusedHandshakeIsAnErrorWhenNothingChanged) {
  script()->then(TransportError(TransportError::Kind::tls, "no"));
  ReloadingTransport transport{reloading()};
  EXPECT_THROW(transport.send({}, {}), TransportError);
  EXPECT_EQ(made_.size(), 1U);
}

TEST_F(ReloadingTest, OtherErrorsAreNotRepeated) {
  script()->then(TransportError(TransportError::Kind::interrupted, "reset"));
  ReloadingTransport transport{reloading()};
  endpoint_.ca_pem = "second";
  EXPECT_THROW(transport.send({}, {}), TransportError);
  EXPECT_EQ(reads_, 1);
}

TEST_F(ReloadingTest, HalfARenewalLeavesAllAsItWasAndIsTriedAgainInAMinute) {
  script_answers(4);
  script_answers(1);
  ReloadingTransport transport{reloading()};
  clock_.step(minutes{5});
  unreadable_ = true;
  EXPECT_EQ(transport.send({}, {}).status, 200);
  unreadable_ = false;
  endpoint_.ca_pem = "no PEM";
  EXPECT_EQ(transport.send({}, {}).status, 200);
  EXPECT_EQ(reads_, 2) << "not before a minute is over";
  clock_.step(minutes{1});
  EXPECT_EQ(transport.send({}, {}).status, 200);
  EXPECT_EQ(reads_, 3);
  endpoint_.ca_pem = "second";
  clock_.step(minutes{1});
  EXPECT_EQ(transport.send({}, {}).status, 200);
  EXPECT_EQ(made_.back().ca_pem, "second");
}

TEST_F(ReloadingTest, StreamsEndWhenTheirCertificatesAreReplaced) {
  script()->then(200, json::object());  // for the send; the stream after it finds silence
  script_answers(1);
  ReloadingTransport transport{reloading()};
  transport.send({}, {});
  std::optional<TransportError::Kind> ended;
  std::jthread watcher([&] {
    try {
      transport.stream({}, [](std::string_view) {}, seconds{60}, {});
    } catch (const TransportError& error) {
      ended = error.kind();
    }
  });
  ASSERT_TRUE(scripts_.front()->wait_for_requests(2));
  endpoint_.ca_pem = "second";
  clock_.step(minutes{5});
  EXPECT_EQ(transport.send({}, {}).status, 200);
  watcher.join();
  EXPECT_EQ(ended, TransportError::Kind::interrupted);
}

TEST_F(ReloadingTest, AStopIsStillAStop) {
  script();
  ReloadingTransport transport{reloading()};
  std::stop_source stop;
  stop.request_stop();
  try {
    transport.stream(
        {}, [](std::string_view) {}, seconds{60}, stop.get_token());
    FAIL();
  } catch (const TransportError& error) {
    EXPECT_EQ(error.kind(), TransportError::Kind::stopped);
  }
}

TEST_F(ReloadingTest, WhatCannotBeReadAtTheStartIsAnError) {
  unreadable_ = true;
  EXPECT_THROW(reloading(), std::runtime_error);
}

}  // namespace
}  // namespace alphorn::kube
