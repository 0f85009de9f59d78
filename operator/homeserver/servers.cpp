#include "homeserver/servers.hpp"

#include "base/encoding.hpp"
#include "base/ulid.hpp"
#include "homeserver/logins.hpp"
#include "homeserver/reach.hpp"
#include "http/transport.hpp"
#include "manifests/bridges.hpp"
#include "manifests/mas.hpp"
#include "matrix/authentication_service.hpp"
#include "matrix/homeserver.hpp"

namespace alphorn::homeserver {

namespace {

// Short, for a worker waits: a server that cannot answer this is not well.
constexpr std::chrono::seconds kPatience{4};
// Registration hashes a password: about a quarter of a second, more on a busy node.
constexpr std::chrono::seconds kRegistrationPatience{60};
constexpr std::size_t kLongestCode = 64;
// How the gateway answers a client.
constexpr int kServes = 200;
constexpr int kFenced = 503;
constexpr int kNoToken = 401;

matrix::Homeserver homeserver_of(const manifests::Tenant& tenant, std::chrono::seconds timeout) {
  return matrix::Homeserver{
      http::make_transport({.url = manifests::homeserver_url(tenant), .timeout = timeout})};
}

std::string gateway_url(const manifests::Tenant& tenant) {
  return "https://" + manifests::gateway_name(tenant) + "." + tenant.ns + ".svc";
}

/// The text for a condition. It must not change from try to try, so it leaves out what does.
std::string problem_of(const http::TransportError& error, const std::string& who) {
  switch (error.kind()) {
    case http::TransportError::Kind::stopped:
      throw error;
    case http::TransportError::Kind::connect:
      return "the " + who + " cannot be reached";
    case http::TransportError::Kind::tls:
      return "the " + who + " does not present the certificate that it should";
    case http::TransportError::Kind::timeout:
      return "the " + who + " does not answer in time";
    case http::TransportError::Kind::interrupted:
      break;
  }
  return "the " + who + " broke off its answer";
}

template <typename Question>
Answer asked(const std::string& who, const Question& question) {
  try {
    return question();
  } catch (const http::TransportError& error) {
    return {.problem = problem_of(error, who)};
  } catch (const matrix::ApiError& error) {
    return {.problem = "the " + who + ": " + error.what()};
  }
}

/// By TLS under a public name, trusting only who signed the tenant's certificate.
Answer get_through_gateway(const manifests::Tenant& tenant, const std::string& host,
                           const std::string& path, int wanted, std::stop_token stop) {
  return asked("gateway", [&] {
    const std::string& brought = tenant.brought_certificate_pem;
    const auto transport =
        http::make_transport({.url = gateway_url(tenant),
                              .ca_pem = brought.empty() ? tenant.authority_pem : brought,
                              .tls_server_name = host,
                              .timeout = kPatience});
    const http::Response response =
        transport->send({.target = path, .headers = {{"Host", host}}}, stop);
    if (response.status == wanted) return Answer{.problem = ""};
    return Answer{.problem = "the gateway answers " + std::to_string(response.status) + " to " +
                             path + " instead of " + std::to_string(wanted)};
  });
}

}  // namespace

Answer ClusterServers::ask_homeserver(const manifests::Tenant& tenant, std::stop_token stop) {
  return asked("homeserver", [&] {
    const matrix::Homeserver server = homeserver_of(tenant, kPatience);
    server.ask_database(tenant.spec.server_name, stop);
    return Answer{.problem = "",
                  .version = server.version(stop),
                  .signing_key_ids = server.signing_key_ids(stop)};
  });
}

Answer ClusterServers::ask_gateway(const manifests::Tenant& tenant, std::stop_token stop) {
  const int wanted = tenant.spec.fenced ? kFenced : kServes;
  return get_through_gateway(tenant, tenant.spec.matrix_host, "/_matrix/client/versions", wanted,
                             stop);
}

Answer ClusterServers::ask_web(const manifests::Tenant& tenant, std::stop_token stop) {
  return get_through_gateway(tenant, tenant.spec.web_host, "/config.json", kServes, stop);
}

Answer ClusterServers::ask_mas(const manifests::Tenant& tenant, std::stop_token stop) {
  const int wanted = tenant.spec.fenced ? kFenced : kServes;
  return get_through_gateway(tenant, tenant.spec.account_host, "/.well-known/openid-configuration",
                             wanted, stop);
}

Answer ClusterServers::ask_calls(const manifests::Tenant& tenant, std::stop_token stop) {
  // LiveKit itself, which lets nobody in without a token.
  return get_through_gateway(tenant, tenant.spec.rtc_host, "/rtc/validate", kNoToken, stop);
}

MediaAnswer ClusterServers::ask_media(const manifests::Tenant& tenant, std::stop_token stop) {
  const manifests::CallsSeen& seen = tenant.calls;
  const std::string turn = ask_stun(seen.turn_address, seen.turn_port.value(), stop);
  // One address is enough to wait for in vain.
  if (!turn.empty()) return {.turn = turn, .media = ""};
  return {.turn = "", .media = try_to_connect(seen.media_address, seen.tcp_port.value(), stop)};
}

std::optional<int> ClusterServers::ask_logins(const manifests::Tenant& tenant,
                                              const api::Bridge& bridge,
                                              const Secret& database_password) {
  return count_logins(manifests::database_name(tenant) + "." + tenant.ns + ".svc",
                      manifests::kDatabasePort, manifests::bridge_role(bridge), database_password);
}

BucketAnswer ClusterServers::ask_bucket(const manifests::Tenant& tenant, std::stop_token stop) {
  const std::string who = "watch over the bucket";
  try {
    const auto transport =
        http::make_transport({.url = manifests::bucket_watch_url(tenant), .timeout = kPatience});
    const http::Response response = transport->send({.target = "/finding"}, stop);
    const json body = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
    if (response.status != 200 || !body.is_object()) {
      return {.problem = "the " + who + " answers " + std::to_string(response.status)};
    }
    return {.problem = "",
            .finding = string_at(body, "finding"),
            .code = shortened(string_at(body, "code"), kLongestCode)};
  } catch (const http::TransportError& error) {
    return {.problem = problem_of(error, who)};
  }
}

void ClusterServers::ensure_administrator(const manifests::Tenant& tenant, const Secret& password,
                                          const Secret& shared_secret,
                                          matrix::Homeserver::Existing existing,
                                          std::stop_token stop) {
  if (manifests::has_mas(tenant)) {
    using Password = matrix::AuthenticationService::Password;
    const bool keeps = existing == matrix::Homeserver::Existing::keep_password;
    const matrix::AuthenticationService mas{
        http::make_transport(
            {.url = manifests::mas_admin_url(tenant), .timeout = kRegistrationPatience}),
        ulid_of_operator(), shared_secret};
    const Password policy = !tenant.spec.authentication.passwords ? Password::none
                            : keeps                               ? Password::of_new_accounts
                                                                  : Password::of_any;
    return mas.ensure_administrator(tenant.spec.administrator, password, policy, stop);
  }
  homeserver_of(tenant, kRegistrationPatience)
      .ensure_administrator(tenant.spec.server_name, tenant.spec.administrator, password,
                            shared_secret, existing, stop);
}

}  // namespace alphorn::homeserver
