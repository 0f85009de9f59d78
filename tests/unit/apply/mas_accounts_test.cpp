// What is asked of Matrix Authentication Service and of the homeserver for each step, and in which
// order. The answers are those of its API's description (docs/api/spec.json there).
#include "apply/mas_accounts.hpp"

#include <gmock/gmock.h>

#include "apply/personal_data.hpp"
#include "base/ulid.hpp"
#include "matrix/authentication_service.hpp"
#include "matrix/session.hpp"
#include "support/scripted_transport.hpp"

namespace alphorn::apply {
namespace {

using test::ScriptedTransport;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kAnna = "@anna:acme.example";
constexpr const char* kByName = "GET /api/admin/v1/users/by-username/anna";
const std::string kEmailsOfAnna =
    "GET /api/admin/v1/user-emails?filter%5Buser%5D=01ANNA&count=false&page%5Bfirst%5D=1000";

json entry(const std::string& id, const json& attributes) {
  return {{"id", id}, {"attributes", attributes}};
}
json account(const std::string& id, const std::string& name) {
  return entry(
      id,
      {{"username", name}, {"locked_at", nullptr}, {"deactivated_at", nullptr}, {"admin", false}});
}
json one(const json& entry) { return {{"data", entry}}; }
json list(std::vector<json> entries, const std::string& next = "") {
  json links = json::object();
  if (!next.empty()) links["next"] = next;
  return {{"data", std::move(entries)}, {"links", links}};
}
json refusal(const std::string& title) { return {{"errors", json::array({{{"title", title}}})}}; }

class MasAccountsTest : public testing::Test {
 protected:
  MasAccountsTest() {
    mas_->then(200, {{"access_token", "t0ken"}, {"token_type", "Bearer"}, {"expires_in", 300}});
  }

  ScriptedTransport& mas() { return *mas_; }
  ScriptedTransport& synapse() { return *synapse_; }
  void no_content() { mas_->then(http::Response{204, {}, ""}); }

  static std::vector<std::string> asked(const ScriptedTransport& transport, std::size_t from = 0) {
    std::vector<std::string> result;
    for (const http::Request& request : transport.requests()) {
      result.push_back(request.method + " " + request.target);
    }
    result.erase(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(from));
    return result;
  }
  /// Of the service, after the token.
  std::vector<std::string> asked() const { return asked(*mas_, 1); }
  json sent(std::size_t index) const { return json::parse(mas_->requests().at(index + 1).body); }

  void create(plan::CreateAccount step) {
    accounts_.create(step, directory_, Secret("pass word"), {});
  }
  std::string refused(plan::CreateAccount step) {
    try {
      create(std::move(step));
    } catch (const matrix::ApiError& error) {
      return error.what();
    }
    return "was not refused";
  }

  directory::Directory directory_{.server_name = "acme.example", .identity_provider = "oidc-acme"};
  directory::Person anna_{.user_id = kAnna, .display_name = "Anna Muster"};
  std::shared_ptr<ScriptedTransport> mas_ = std::make_shared<ScriptedTransport>();
  std::shared_ptr<ScriptedTransport> synapse_ = std::make_shared<ScriptedTransport>();
  Server service_{std::make_shared<matrix::AuthenticationService>(mas_, "01CLIENT", Secret("s")),
                  Pace::Limits{}};
  Server homeserver_{std::make_shared<matrix::Session>(synapse_, Secret("mpt_a")), Pace::Limits{}};
  MasAccounts accounts_{service_, homeserver_};
};

TEST_F(MasAccountsTest, ExistenceIsTheServicesAndNamesAreTheHomeservers) {
  synapse().then(200, {{"users", json::array({{{"name", kAnna}, {"displayname", "Anna"}},
                                              {{"name", "@bridge_bob:acme.example"}}})}});
  mas()
      .then(200, list({account("01ANNA", "anna")}, "/api/admin/v1/users?page[after]=01ANNA"))
      .then(200, list({entry("01BEAT", {{"username", "beat"},
                                        {"locked_at", "2026-11-01T00:00:00Z"},
                                        {"deactivated_at", nullptr},
                                        {"admin", true}})}));
  const auto found = accounts_.accounts("acme.example", {});
  EXPECT_THAT(asked(), ElementsAre("GET /api/admin/v1/users?count=false&page%5Bfirst%5D=1000",
                                   "GET /api/admin/v1/users?count=false&page%5Bfirst%5D=1000"
                                   "&page%5Bafter%5D=01ANNA"));
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found.at(kAnna).display_name, "Anna");
  EXPECT_FALSE(found.at(kAnna).is_puppet);
  EXPECT_TRUE(found.at("@bridge_bob:acme.example").is_puppet);
  EXPECT_TRUE(found.at("@beat:acme.example").locked);
  EXPECT_TRUE(found.at("@beat:acme.example").admin);
}

TEST_F(MasAccountsTest, AnAccountIsMadeWithAllThatIsSaidOfIt) {
  anna_.email = "anna@acme.example";
  anna_.external_id = "4711";
  anna_.is_server_admin = true;
  mas().then(404, refusal("User not found")).then(200, {{"password_login_enabled", true}});
  mas().then(201, one(account("01ANNA", "anna")));
  no_content();
  mas().then(200, list({})).then(201, one(entry("01MAIL", {{"email", "anna@acme.example"}})));
  mas().then(200, list({})).then(201, one(entry("01LINK", {{"subject", "4711"}})));
  mas().then(200, one(account("01ANNA", "anna")));
  create({.person = anna_});
  const std::string provider = ulid_of_provider("acme");
  EXPECT_THAT(asked(),
              ElementsAre(kByName, "GET /api/admin/v1/site-config", "POST /api/admin/v1/users",
                          "POST /api/admin/v1/users/01ANNA/set-password", kEmailsOfAnna,
                          "POST /api/admin/v1/user-emails",
                          "GET /api/admin/v1/upstream-oauth-links?filter%5Buser%5D=01ANNA"
                          "&filter%5Bprovider%5D=" +
                              provider + "&count=false&page%5Bfirst%5D=1000",
                          "POST /api/admin/v1/upstream-oauth-links",
                          "POST /api/admin/v1/users/01ANNA/set-admin"));
  EXPECT_EQ(sent(2), (json{{"username", "anna"}, {"displayname", "Anna Muster"}}));
  EXPECT_EQ(sent(3), (json{{"password", "pass word"}, {"skip_password_check", true}}));
  EXPECT_EQ(sent(5), (json{{"user_id", "01ANNA"}, {"email", "anna@acme.example"}}));
  EXPECT_EQ(sent(7), (json{{"user_id", "01ANNA"}, {"provider_id", provider}, {"subject", "4711"}}));
  EXPECT_EQ(sent(8), (json{{"admin", true}}));
  EXPECT_THAT(asked(synapse()), IsEmpty());
}

TEST_F(MasAccountsTest, WithoutAPasswordNoneIsSent) {
  mas().then(404, refusal("User not found")).then(201, one(account("01ANNA", "anna")));
  create({.person = anna_, .with_password = false});
  EXPECT_THAT(asked(), ElementsAre(kByName, "POST /api/admin/v1/users"));
}

TEST_F(MasAccountsTest, APuppetIsAdoptedAlthoughTheHomeserverHasItsName) {
  mas().then(404, refusal("User not found")).then(201, one(account("01ANNA", "anna")));
  create({.person = anna_, .with_password = false, .adopt = true});
  EXPECT_EQ(sent(1), (json{{"username", "anna"},
                           {"displayname", "Anna Muster"},
                           {"skip_homeserver_check", true}}));
}

TEST_F(MasAccountsTest, AnAccountThatCameMeanwhileKeepsItsPassword) {
  mas().then(200, one(account("01ANNA", "anna")));
  EXPECT_THAT(refused({.person = anna_}), HasSubstr("it keeps its password"));
  EXPECT_THAT(asked(), ElementsAre(kByName));
}

TEST_F(MasAccountsTest, AnAccountThatCameInTheSameMomentIsGivenNoPassword) {
  mas().then(404, refusal("User not found")).then(200, {{"password_login_enabled", true}});
  mas().then(409, refusal("User already exists")).then(200, one(account("01ANNA", "anna")));
  EXPECT_THAT(refused({.person = anna_}), HasSubstr("mas-cli manage set-password anna"));
  EXPECT_THAT(asked(), ElementsAre(kByName, "GET /api/admin/v1/site-config",
                                   "POST /api/admin/v1/users", kByName));
}

TEST_F(MasAccountsTest, ANameThatTheHomeserverKeepsIsRefusedInItsWords) {
  mas().then(404, refusal("User not found"));
  mas().then(409, refusal("Username is reserved by the homeserver"));
  mas().then(404, refusal("User not found"));
  EXPECT_THAT(refused({.person = anna_, .with_password = false}),
              HasSubstr("reserved by the homeserver"));
}

TEST_F(MasAccountsTest, NothingIsMadeWhereThereAreNoPasswords) {
  mas().then(404, refusal("User not found")).then(200, {{"password_login_enabled", false}});
  mas().then(404, refusal("User not found"));
  EXPECT_THAT(refused({.person = anna_}), HasSubstr("spec.authentication.passwords: false"));
  EXPECT_THAT(refused({.person = anna_}), HasSubstr("the account was not made"));
  EXPECT_THAT(asked(), ElementsAre(kByName, "GET /api/admin/v1/site-config", kByName));
}

TEST_F(MasAccountsTest, APasswordThatIsRefusedAfterAllIsOneClearFailure) {
  mas().then(404, refusal("User not found")).then(200, {{"password_login_enabled", true}});
  mas().then(201, one(account("01ANNA", "anna")));
  mas().then(403, refusal("Password auth is disabled"));
  EXPECT_THAT(refused({.person = anna_}),
              testing::AllOf(HasSubstr("the account was made"), HasSubstr("is void"),
                             HasSubstr("Password auth is disabled"),
                             testing::Not(HasSubstr("pass word\""))));
}

TEST_F(MasAccountsTest, WhatCannotBeAnsweredNowIsAskedAgain) {
  mas().then(503, json::object()).then(200, one(account("01ANNA", "anna")));
  EXPECT_TRUE(accounts_.exists(kAnna, {}));
}

TEST_F(MasAccountsTest, NamesChangeAtTheHomeserverAndRightsAtTheService) {
  synapse().then(200, json::object());
  mas().then(200, one(account("01ANNA", "anna")));
  mas().then(200, one(account("01ANNA", "anna"))).then(200, one(account("01ANNA", "anna")));
  accounts_.change({.person = anna_,
                    .changes = {{plan::kDisplayName, "Anna", "Anna Muster"},
                                {plan::kServerAdministrator, "yes", "no"}},
                    .unlock = true},
                   directory_, {});
  EXPECT_THAT(asked(synapse()), ElementsAre("PUT /_synapse/admin/v2/users/%40anna%3Aacme.example"));
  EXPECT_EQ(json::parse(synapse().requests()[0].body), (json{{"displayname", "Anna Muster"}}));
  EXPECT_THAT(asked(), ElementsAre(kByName, "POST /api/admin/v1/users/01ANNA/set-admin",
                                   "POST /api/admin/v1/users/01ANNA/unlock"));
  EXPECT_EQ(sent(1), (json{{"admin", false}}));
}

TEST_F(MasAccountsTest, ANewAddressComesBeforeTheFormerGoes) {
  directory_.identity_provider = "";
  anna_.email = "anna@acme.example";
  mas().then(200, one(account("01ANNA", "anna")));
  mas().then(200, list({entry("01OLD", {{"email", "a.muster@acme.example"}})}));
  mas().then(201, one(entry("01NEW", {{"email", "anna@acme.example"}})));
  no_content();
  accounts_.change({.person = anna_, .look = true}, directory_, {});
  EXPECT_THAT(asked(), ElementsAre(kByName, kEmailsOfAnna, "POST /api/admin/v1/user-emails",
                                   "DELETE /api/admin/v1/user-emails/01OLD"));
}

TEST_F(MasAccountsTest, AnAddressThatIsThereIsLeftAlone) {
  directory_.identity_provider = "";
  anna_.email = "anna@acme.example";
  mas().then(200, one(account("01ANNA", "anna")));
  mas().then(200, list({entry("01MAIL", {{"email", "Anna@acme.example"}})}));
  accounts_.change({.person = anna_, .look = true}, directory_, {});
  EXPECT_THAT(asked(), ElementsAre(kByName, kEmailsOfAnna));
}

TEST_F(MasAccountsTest, AFormerSubjectGoesBeforeTheNewComes) {
  directory_.identity_provider = "01K9PRVDER0000000000000000";
  anna_.external_id = "4712";
  mas().then(200, one(account("01ANNA", "anna")));
  mas().then(200, list({entry("01LINK", {{"subject", "4711"}})}));
  no_content();
  mas().then(201, one(entry("01NEW", {{"subject", "4712"}})));
  accounts_.change({.person = anna_, .look = true}, directory_, {});
  EXPECT_EQ(asked()[2], "DELETE /api/admin/v1/upstream-oauth-links/01LINK");
  EXPECT_EQ(sent(3), (json{{"user_id", "01ANNA"},
                           {"provider_id", "01K9PRVDER0000000000000000"},
                           {"subject", "4712"}}));
}

TEST_F(MasAccountsTest, ALeaverIsLockedThereAlone) {
  mas().then(200, one(account("01ANNA", "anna"))).then(200, one(account("01ANNA", "anna")));
  accounts_.lock({kAnna}, {});
  EXPECT_THAT(asked(), ElementsAre(kByName, "POST /api/admin/v1/users/01ANNA/lock"));
  EXPECT_THAT(asked(synapse()), IsEmpty());
}

TEST_F(MasAccountsTest, NobodyIsErasedWhoIsToBeDeactivated) {
  for (int turn = 0; turn < 4; ++turn) mas().then(200, one(account("01ANNA", "anna")));
  accounts_.deactivate({.user_id = kAnna, .erase = false}, {});
  accounts_.deactivate({.user_id = kAnna, .erase = true}, {});
  EXPECT_EQ(asked()[1], "POST /api/admin/v1/users/01ANNA/deactivate");
  EXPECT_EQ(sent(1), (json{{"skip_erase", true}}));
  EXPECT_EQ(sent(3), (json{{"skip_erase", false}}));
  EXPECT_THAT(asked(synapse()), IsEmpty());
}

TEST_F(MasAccountsTest, WhatItHasOfAPersonIsExported) {
  mas().then(200, one(account("01ANNA", "anna")));
  mas().then(200, list({entry("01MAIL", {{"email", "anna@acme.example"}})}));
  for (int rest = 0; rest < 4; ++rest) mas().then(200, list({}));
  const auto files = personal_data_of_service(service_, kAnna, {});
  EXPECT_EQ(files.at("mas-account.json")["attributes"]["username"], "anna");
  EXPECT_EQ(files.at("mas-emails.json").size(), 1U);
  EXPECT_EQ(asked().back(),
            "GET /api/admin/v1/compat-sessions?filter%5Buser%5D=01ANNA&count=false&page%5Bfirst%5D="
            "1000");
}

TEST_F(MasAccountsTest, OfAPuppetThereIsNothingToExport) {
  mas().then(404, refusal("User not found"));
  EXPECT_THAT(personal_data_of_service(service_, kAnna, {}), IsEmpty());
}

}  // namespace
}  // namespace alphorn::apply
