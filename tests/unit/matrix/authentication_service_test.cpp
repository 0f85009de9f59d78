// What is asked of Matrix Authentication Service, and in which order.
#include "matrix/authentication_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_transport.hpp"

namespace alphorn::matrix {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Password = AuthenticationService::Password;

const json kToken = {{"access_token", "t0ken"}, {"token_type", "Bearer"}, {"expires_in", 300}};
const json kAccount = {{"data", {{"type", "user"}, {"id", "01K9ACCOUNT"}}}};
const json kUnknown = {{"errors", json::array({{{"title", "User not found"}}})}};

class MasAdministrator : public ::testing::Test {
 protected:
  void ensure(Password policy) {
    const AuthenticationService service{transport, "01K9CLIENT", Secret{"client secret"}};
    service.ensure_administrator("boss", Secret{"pass word"}, policy, {});
  }

  std::vector<std::string> asked() const {
    std::vector<std::string> result;
    for (const http::Request& request : transport->requests()) {
      result.push_back(request.method + " " + request.target);
    }
    return result;
  }

  void set_password() { transport->then(http::Response{204, {}, ""}); }

  std::shared_ptr<test::ScriptedTransport> transport = std::make_shared<test::ScriptedTransport>();
};

TEST_F(MasAdministrator, IsMadeWithItsPassword) {
  transport->then(200, kToken).then(404, kUnknown).then(201, kAccount);
  set_password();
  transport->then(200, kAccount);
  ensure(Password::of_new_accounts);
  EXPECT_THAT(asked(), ElementsAre("POST /oauth2/token", "GET /api/admin/v1/users/by-username/boss",
                                   "POST /api/admin/v1/users",
                                   "POST /api/admin/v1/users/01K9ACCOUNT/set-password",
                                   "POST /api/admin/v1/users/01K9ACCOUNT/set-admin"));
  const auto requests = transport->requests();
  EXPECT_EQ(requests[0].headers.at("Authorization"),
            "Basic " + base64_encode("01K9CLIENT:client secret"));
  EXPECT_EQ(requests[0].headers.at("Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(requests[1].headers.at("Authorization"), "Bearer t0ken");
  EXPECT_EQ(json::parse(requests[2].body), (json{{"username", "boss"}}));
  EXPECT_EQ(json::parse(requests[3].body),
            (json{{"password", "pass word"}, {"skip_password_check", true}}));
  EXPECT_EQ(json::parse(requests[4].body), (json{{"admin", true}}));
}

TEST_F(MasAdministrator, KeepsAPasswordThatIsSomebodys) {
  transport->then(200, kToken).then(200, kAccount).then(200, kAccount);
  ensure(Password::of_new_accounts);
  EXPECT_EQ(asked().back(), "POST /api/admin/v1/users/01K9ACCOUNT/set-admin");
  EXPECT_EQ(asked().size(), 3U);
}

TEST_F(MasAdministrator, GetsThePasswordThatIsNewsToEverybody) {
  transport->then(200, kToken).then(200, kAccount);
  set_password();
  transport->then(200, kAccount);
  ensure(Password::of_any);
  EXPECT_EQ(asked()[2], "POST /api/admin/v1/users/01K9ACCOUNT/set-password");
}

TEST_F(MasAdministrator, HasNoPasswordWhereThereAreNone) {
  transport->then(200, kToken).then(404, kUnknown).then(201, kAccount).then(200, kAccount);
  ensure(Password::none);
  EXPECT_EQ(asked().back(), "POST /api/admin/v1/users/01K9ACCOUNT/set-admin");
}

TEST_F(MasAdministrator, IsRefusedInWordsAndWithoutSecrets) {
  transport->then(401, {{"error", "invalid_client"}, {"error_description", "no such client"}});
  try {
    ensure(Password::of_any);
    FAIL() << "nothing was thrown";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 401);
    EXPECT_EQ(error.errcode(), "invalid_client");
    EXPECT_THAT(error.what(), HasSubstr("no such client"));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("client secret")));
  }
}

class MasToken : public ::testing::Test {
 protected:
  static json token(const std::string& text) {
    return {{"access_token", text}, {"token_type", "Bearer"}, {"expires_in", 300}};
  }
  /// What the nth request showed, counted from 0.
  std::string shown(std::size_t index) const {
    return transport->requests().at(index).headers.at("Authorization");
  }

  test::FakeClock clock;
  std::shared_ptr<test::ScriptedTransport> transport = std::make_shared<test::ScriptedTransport>();
  const std::shared_ptr<const AuthenticationService> lender =
      std::make_shared<AuthenticationService>(transport, "01K9CLIENT", Secret{"client secret"},
                                              clock);
  const AuthenticationService& service = *lender;
};

TEST_F(MasToken, ServesUntilItIsAboutToEnd) {
  transport->then(200, token("first")).then(200, kAccount).then(200, kAccount);
  service.get("/a", {});
  clock.step(std::chrono::seconds{260});
  service.get("/b", {});
  EXPECT_EQ(shown(2), "Bearer first");

  transport->then(200, token("second")).then(200, kAccount);
  clock.step(std::chrono::seconds{20});
  service.get("/c", {});
  EXPECT_EQ(transport->requests()[3].target, "/oauth2/token");
  EXPECT_EQ(shown(4), "Bearer second");
}

TEST_F(MasToken, IsAskedForAnewWhenItIsRefused) {
  transport->then(200, token("first"))
      .then(401, {{"errors", json::array({{{"title", "Access token revoked"}}})}})
      .then(200, token("second"))
      .then(200, kAccount);
  EXPECT_EQ(service.get("/a", {}), kAccount);
  EXPECT_EQ(shown(3), "Bearer second");
}

TEST_F(MasToken, IsNotAskedForForEver) {
  const json refusal = {{"errors", json::array({{{"title", "Missing urn:mas:admin scope"}}})}};
  transport->then(200, token("first")).then(401, refusal);
  transport->then(200, token("second")).then(401, refusal);
  try {
    service.get("/a", {});
    FAIL() << "nothing was thrown";
  } catch (const ApiError& error) {
    EXPECT_STREQ(error.what(), "GET /a was answered with 401: Missing urn:mas:admin scope");
  }
}

const json kSession = {{"data",
                        {{"type", "personal-session"},
                         {"id", "01K9SESSION"},
                         {"attributes", {{"access_token", "mpt_a"}}}}}};

TEST_F(MasToken, LendsASessionAndTakesItBack) {
  transport->then(200, token("first")).then(200, kAccount).then(201, kSession).then(200, kSession);
  {
    const LentSession lent{lender, "admin", "Alphorn directory", std::chrono::seconds{60}, {}};
    EXPECT_EQ(lent.token().reveal(), "mpt_a");
    EXPECT_EQ(transport->requests().size(), 3U);
  }
  EXPECT_EQ(json::parse(transport->requests()[2].body),
            (json{{"actor_user_id", "01K9ACCOUNT"},
                  {"human_name", "Alphorn directory"},
                  {"scope", "urn:matrix:client:api:* urn:synapse:admin:*"},
                  {"expires_in", 60}}));
  EXPECT_EQ(transport->requests()[3].target, "/api/admin/v1/personal-sessions/01K9SESSION/revoke");
}

TEST_F(MasToken, TakesASessionBackAlsoWhenTheWorkFails) {
  transport->then(200, token("first")).then(200, kAccount).then(201, kSession).then(200, kSession);
  try {
    const LentSession lent{lender, "admin", "Alphorn directory", std::chrono::seconds{60}, {}};
    throw std::runtime_error("the work failed");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(transport->requests().back().target,
            "/api/admin/v1/personal-sessions/01K9SESSION/revoke");
}

TEST_F(MasToken, ASessionThatCannotBeTakenBackFailsNothing) {
  transport->then(200, token("first")).then(200, kAccount).then(201, kSession);
  transport->then(http::TransportError(http::TransportError::Kind::connect, "gone"));
  EXPECT_NO_THROW(
      (LentSession{lender, "admin", "Alphorn directory", std::chrono::seconds{60}, {}}));
}

}  // namespace
}  // namespace alphorn::matrix
