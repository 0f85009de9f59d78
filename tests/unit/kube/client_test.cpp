// The client's own edges: what it does when the server or the network is in trouble.
#include "kube/client.hpp"

#include <gmock/gmock.h>

#include "support/scripted_transport.hpp"

namespace alphorn::kube {
namespace {

using http::TransportError;
using kinds::kPod;
using std::chrono::milliseconds;
using test::status_object;
using testing::ElementsAre;
using testing::HasSubstr;

class ClientTest : public testing::Test {
 protected:
  std::shared_ptr<test::ScriptedTransport> server_ = std::make_shared<test::ScriptedTransport>();
  std::vector<milliseconds> waits_;
  int dropped_ = 0;
  Client client_{
      server_,
      [this](http::Headers& headers) {
        headers["Authorization"] = "Bearer " + std::to_string(dropped_);
      },
      Client::Environment{
          .unauthorized = [this] { ++dropped_; },
          .wait = [this](milliseconds time, const std::stop_token&) { waits_.push_back(time); }}};
};

const ObjectRef kSomePod{kPod, "acme", "web"};

TEST_F(ClientTest, WaitsAsLongAsTheServerAsks) {
  server_->then(429, status_object(429, "TooManyRequests"), {{"Retry-After", "2"}})
      .then(503, status_object(503, "ServiceUnavailable"), {{"Retry-After", "1"}})
      .then(200, {{"metadata", {{"name", "web"}}}});
  EXPECT_TRUE(client_.get(kSomePod).has_value());
  EXPECT_THAT(waits_, ElementsAre(milliseconds{2000}, milliseconds{1000}));
}

TEST_F(ClientTest, AFailureWithoutRetryAfterIsTheCallers) {
  server_->then(503, status_object(503, "ServiceUnavailable"));
  EXPECT_THROW(client_.get(kSomePod), ApiError);
  EXPECT_TRUE(waits_.empty());
}

TEST_F(ClientTest, GivesUpAfterTenRetries) {
  for (int count = 0; count < 11; ++count) {
    server_->then(429, status_object(429, "TooManyRequests"), {{"Retry-After", "1"}});
  }
  EXPECT_THROW(client_.get(kSomePod), ApiError);
  EXPECT_EQ(waits_.size(), 10U);
  EXPECT_EQ(server_->requests().size(), 11U);
}

TEST_F(ClientTest, NeverWaitsLongerThanHalfAMinute) {
  server_->then(429, status_object(429, "TooManyRequests"), {{"Retry-After", "86400"}})
      .then(200, json::object());
  client_.get(kSomePod);
  EXPECT_THAT(waits_, ElementsAre(milliseconds{30000}));
}

TEST_F(ClientTest, AReadThatBrokeOffIsAskedAgain) {
  server_->then(TransportError(TransportError::Kind::interrupted, "reset"))
      .then(200, json::object());
  EXPECT_TRUE(client_.get(kSomePod).has_value());
}

TEST_F(ClientTest, AWriteThatBrokeOffIsNot) {
  server_->then(TransportError(TransportError::Kind::interrupted, "reset"));
  const json pod = {{"metadata", {{"name", "web"}, {"namespace", "acme"}}}};
  EXPECT_THROW(client_.create(kPod, pod), TransportError);
  EXPECT_EQ(server_->requests().size(), 1U);
}

TEST_F(ClientTest, WhoMayNotWriteReadsOnly) {
  bool may_write = true;
  const auto guarded = client_.guarded([&] { return may_write; });
  server_->then(200, {{"metadata", {{"name", "a"}}}}).then(200, {{"metadata", {{"name", "a"}}}});
  const ObjectRef pod{kPod, "acme", "a"};
  EXPECT_NO_THROW(guarded->remove(pod, {}));
  may_write = false;
  EXPECT_THROW(guarded->remove(pod, {}), TransportError);
  EXPECT_TRUE(guarded->get(pod));
  EXPECT_EQ(server_->requests().size(), 2U);
}

TEST_F(ClientTest, ARefusedConnectionIsTheCallers) {
  server_->then(TransportError(TransportError::Kind::connect, "refused"));
  EXPECT_THROW(client_.get(kSomePod), TransportError);
  EXPECT_TRUE(waits_.empty());
}

TEST_F(ClientTest, RefusedCredentialsAreReadAgainOnce) {
  server_->then(401, status_object(401, "Unauthorized")).then(200, json::object());
  EXPECT_TRUE(client_.get(kSomePod).has_value());
  EXPECT_EQ(server_->requests()[0].headers.at("Authorization"), "Bearer 0");
  EXPECT_EQ(server_->requests()[1].headers.at("Authorization"), "Bearer 1");

  server_->then(401, status_object(401, "Unauthorized"))
      .then(401, status_object(401, "Unauthorized"));
  EXPECT_THROW(client_.get(kSomePod), ApiError);
  EXPECT_EQ(server_->requests().size(), 4U);
}

json page(const std::string& name, const std::string& token) {
  return {{"metadata", {{"resourceVersion", "7"}, {"continue", token}}},
          {"items", json::array({{{"metadata", {{"name", name}}}}})}};
}

TEST_F(ClientTest, AListWhosePagesExpireIsReadWhole) {
  server_->then(200, page("a", "next"))
      .then(410, status_object(410, "Expired"))
      .then(200, page("b", ""));
  const ObjectList list = client_.list(kPod, {.ns = "acme"});
  ASSERT_EQ(list.items.size(), 1U) << "items of the half list were kept";
  EXPECT_EQ(list.items.front().key.name, "b");
  EXPECT_THAT(server_->requests()[1].target, HasSubstr("continue=next"));
  EXPECT_THAT(server_->requests()[2].target, testing::Not(HasSubstr("limit")));
}

TEST_F(ClientTest, AFirstPageThatExpiredIsTheCallers) {
  server_->then(410, status_object(410, "Expired"));
  EXPECT_THROW(client_.list(kPod, {.resource_version = "5"}), ApiError);
}

TEST_F(ClientTest, AnAnswerThatIsNoJsonIsSaidSo) {
  server_->then(http::Response{200, {}, "<html>a proxy's page</html>"});
  EXPECT_THROW(client_.get(kSomePod), ApiError);
}

TEST_F(ClientTest, AnErrorEventEndsAWatch) {
  const json pod = {{"metadata", {{"name", "web"}, {"resourceVersion", "9"}}}};
  server_->then(test::ScriptedTransport::Lines{
      {test::event_line("ADDED", pod),
       test::event_line("ERROR", status_object(410, "Expired", "too old"))}});
  int events = 0;
  try {
    client_.watch(kPod, {.resource_version = "8"}, [&](const WatchEvent&) { ++events; }, {});
    FAIL() << "the error event was swallowed";
  } catch (const ApiError& error) {
    EXPECT_TRUE(error.is_expired());
  }
  EXPECT_EQ(events, 1);
}

TEST_F(ClientTest, ARefusedWatchIsAnError) {
  server_->then(401, status_object(401, "Unauthorized"));
  EXPECT_THROW(client_.watch(kPod, {.resource_version = "8"}, [](const WatchEvent&) {}, {}),
               ApiError);
  EXPECT_EQ(dropped_, 1);
}

}  // namespace
}  // namespace alphorn::kube
