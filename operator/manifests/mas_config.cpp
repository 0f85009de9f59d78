#include "base/ulid.hpp"
#include "manifests/authentication.hpp"
#include "manifests/database_login.hpp"
#include "manifests/mas.hpp"

namespace alphorn::manifests {
namespace {

using api::OidcProvider;

constexpr const char* kKeys = "/keys/mas/";
constexpr int kSecondsOfAnHour = 3600;
// Passwords that take more than 10^8 guesses, as its authors recommend.
constexpr int kComplexity = 3;

json names(const std::vector<std::string>& resources) {
  json result = json::array();
  for (const std::string& resource : resources) result.push_back({{"name", resource}});
  return result;
}

json listener(const std::string& name, int port, const std::vector<std::string>& resources) {
  const json address = {{"address", "0.0.0.0:" + std::to_string(port)}};
  return {{"name", name}, {"binds", json::array({address})}, {"resources", names(resources)}};
}

/// What administrators may do is heard by the operator alone, on a port that the gateway does not
/// reach. Only the gateway and the homeserver come to the other, and the former says whose address
/// a client has.
json http(const Tenant& tenant) {
  json listeners = json::array(
      {listener("web", kMasPort, {"discovery", "human", "oauth", "compat", "graphql", "assets"}),
       listener("internal", kMasAdminPort, {"health", "oauth", "adminapi"})});
  if (is_watched(tenant)) listeners.push_back(listener("metrics", kMasMetricsPort, {"prometheus"}));
  return {{"public_base", account_url(tenant) + "/"},
          {"trusted_proxies", json::array({"0.0.0.0/0", "::/0"})},
          {"listeners", listeners}};
}

json secrets() {
  const std::string keys = kKeys;
  return {{"encryption_file", keys + kMasEncryption},
          {"keys", json::array({{{"key_file", keys + kMasSigningKey}}})}};
}

json passwords(const api::Authentication& wanted) {
  if (!wanted.passwords) return {{"enabled", false}};
  const json scheme = {
      {"version", 1}, {"algorithm", "argon2id"}, {"secret_file", std::string{kKeys} + kMasPepper}};
  return {
      {"enabled", true}, {"minimum_complexity", kComplexity}, {"schemes", json::array({scheme})}};
}

/// Accounts are the company's to give and to take, and there is no mail.
json account() {
  return {{"password_registration_enabled", false},
          {"password_recovery_enabled", false},
          {"email_change_allowed", false},
          {"account_deactivation_allowed", false}};
}

/// As the homeserver's: a company arrives behind one address.
json rate_limits() {
  return {{"login",
           {{"per_ip", {{"burst", 100}, {"per_second", 0.5}}},
            {"per_account", {{"burst", 20}, {"per_second", 0.05}}}}}};
}

/// A claim that is missing fails the login, as it does with the homeserver.
json imports(const OidcProvider& provider) {
  json localpart = {{"action", "require"}, {"template", localpart_template(provider)}};
  if (provider.allow_existing_users) localpart["on_conflict"] = "set";
  return {{"skip_confirmation", true},
          {"localpart", localpart},
          {"displayname", {{"action", "force"}, {"template", display_name_template(provider)}}}};
}

json provider_config(const OidcProvider& provider) {
  std::string scope;
  for (const std::string& word : provider.scopes) scope += (scope.empty() ? "" : " ") + word;
  return {{"id", ulid_of_provider(provider.id)},
          {"human_name", provider.display_name},
          {"issuer", provider.issuer},
          {"client_id", provider.client_id},
          {"client_secret_file", client_secret_file(provider)},
          {"token_endpoint_auth_method", "client_secret_basic"},
          {"scope", scope},
          {"fetch_userinfo", provider.claims_at_userinfo},
          {"claims_imports", imports(provider)}};
}

}  // namespace

json mas_config(const Tenant& tenant) {
  const api::Authentication& wanted = tenant.spec.authentication;
  const json client = {{"client_id", ulid_of_operator()},
                       {"client_name", "Alphorn"},
                       {"client_auth_method", "client_secret_basic"},
                       {"client_secret_file", std::string{kKeys} + kMasOperatorSecret}};
  const int idle = api::hours_of(wanted.idle) * kSecondsOfAnHour;
  json config = {{"http", http(tenant)},
                 {"database",
                  {{"host", database_name(tenant)},
                   {"port", kDatabasePort},
                   {"username", kMasRole},
                   {"database", kMasRole},
                   {"ssl_mode", "disable"}}},
                 {"matrix",
                  {{"kind", "synapse_modern"},
                   {"homeserver", tenant.spec.server_name},
                   {"endpoint", homeserver_url(tenant) + "/"},
                   {"secret_file", std::string{kKeys} + kMasHomeserverSecret}}},
                 {"secrets", secrets()},
                 {"passwords", passwords(wanted)},
                 {"account", account()},
                 {"rate_limiting", rate_limits()},
                 {"clients", json::array({client})},
                 {"policy", {{"data", {{"admin_clients", json::array({ulid_of_operator()})}}}}},
                 {"upstream_oauth2", {{"providers", json::array()}}},
                 {"experimental", {{"inactive_session_expiration", {{"ttl", idle}}}}}};
  for (const OidcProvider& provider : wanted.oidc) {
    config["upstream_oauth2"]["providers"].push_back(provider_config(provider));
  }
  if (is_watched(tenant)) config["telemetry"] = {{"metrics", {{"exporter", "prometheus"}}}};
  return config;
}

std::string mas_database_file(const std::string& password) {
  return to_yaml({{"database", {{"password", password}}}});
}

std::string mas_redirect_uri(const Tenant& tenant, const OidcProvider& provider) {
  return account_url(tenant) + "/upstream/callback/" + ulid_of_provider(provider.id);
}

}  // namespace alphorn::manifests
