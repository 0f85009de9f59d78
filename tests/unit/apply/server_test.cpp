#include "apply/server.hpp"

#include <gmock/gmock.h>

#include "matrix/session.hpp"
#include "support/scripted_transport.hpp"

namespace alphorn::apply {
namespace {

using test::ScriptedTransport;

class ServerTest : public testing::Test {
 protected:
  const std::shared_ptr<ScriptedTransport> transport_ = std::make_shared<ScriptedTransport>();
  Server server_{std::make_shared<matrix::Session>(transport_, Secret("token")), Pace::Limits{}};
};

TEST_F(ServerTest, WhatWasTooHastyIsAskedAgain) {
  transport_->then(429, {{"errcode", "M_LIMIT_EXCEEDED"}, {"retry_after_ms", 1}})
      .then(200, {{"a", 1}});
  EXPECT_EQ(server_.get("/x", {})["a"], 1);
  EXPECT_EQ(server_.limited(), 1);
}

TEST_F(ServerTest, AnAnswerThatDidNotComeIsAskedForAgain) {
  transport_->then(http::TransportError(http::TransportError::Kind::interrupted, "gone"))
      .then(200, json::object());
  server_.put("/x", json::object(), {});
  EXPECT_EQ(transport_->requests().size(), 2U);
  EXPECT_EQ(server_.writes(), 1);
}

TEST_F(ServerTest, ARefusalStaysOne) {
  transport_->then(403, {{"errcode", "M_FORBIDDEN"}, {"error", "no"}});
  try {
    server_.get("/x", {});
    FAIL() << "was not refused";
  } catch (const matrix::ApiError& error) {
    EXPECT_EQ(error.errcode(), "M_FORBIDDEN");
  }
  EXPECT_EQ(transport_->requests().size(), 1U);
}

TEST_F(ServerTest, NothingBeginsOnceItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(server_.get("/x", stop.get_token()), http::TransportError);
  EXPECT_TRUE(transport_->requests().empty());
}

TEST_F(ServerTest, TheTokenGoesIntoTheHeaderAlone) {
  transport_->then(200, json::object());
  server_.get("/x", {});
  EXPECT_EQ(transport_->requests()[0].headers.at("Authorization"), "Bearer token");
  EXPECT_EQ(transport_->requests()[0].target, "/x");
}

}  // namespace
}  // namespace alphorn::apply
