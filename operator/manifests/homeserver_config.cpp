#include "manifests/homeserver_config.hpp"

#include <algorithm>

#include "manifests/authentication.hpp"
#include "manifests/bridges.hpp"
#include "manifests/calls.hpp"
#include "manifests/database_login.hpp"
#include "manifests/media.hpp"
#include "manifests/workers.hpp"

namespace alphorn::manifests {
namespace {

constexpr int kTransactionsOfASession = 1000;
constexpr int kKeptConnections = 5;

json identity(const Tenant& tenant) {
  json result = {
      {"server_name", tenant.spec.server_name}, {"public_baseurl", public_url(tenant) + "/"},
      {"serve_server_wellknown", false},        {"report_stats", false},
      {"pid_file", "/tmp/homeserver.pid"},      {"log_config", "/etc/homeserver/log.yaml"}};
  if (!tenant.spec.contact.empty()) result["admin_contact"] = "mailto:" + tenant.spec.contact;
  return result;
}

json listeners(const Tenant& tenant) {
  json names = json::array({"client", "keys"});
  if (federates(tenant)) names.push_back("federation");
  if (!federates(tenant) && has_group_calls(tenant)) names.push_back("openid");
  const json clients = {{"port", kHomeserverPort},
                        {"type", "http"},
                        {"tls", false},
                        {"x_forwarded", true},
                        {"bind_addresses", json::array({"0.0.0.0"})},
                        {"resources", json::array({{{"names", names}, {"compress", false}}})}};
  json listeners = json::array({clients, metrics_listener()});
  if (has_workers(tenant)) listeners.push_back(replication_listener());
  return {{"listeners", listeners}, {"enable_metrics", true}};
}

json storage(const Tenant& tenant) {
  return {{"database", database_config(kMainConnections)},
          {"media_store_path", "/data/media_store"},
          {"max_upload_size", tenant.spec.max_upload_size},
          {"enable_authenticated_media", true},
          {"media_retention", {{"remote_media_lifetime", "90d"}}},
          {"url_preview_enabled", false}};
}

/// A key that signs no more is told to other servers all the same: they check old events by it.
json secrets(const Tenant& tenant) {
  json result = {{"signing_key_path", "/keys/homeserver/signing.key"},
                 {"macaroon_secret_key_path", "/keys/homeserver/macaroon"},
                 {"form_secret_path", "/keys/homeserver/form"},
                 {"registration_shared_secret_path", "/keys/homeserver/registration"}};
  if (!tenant.old_signing_keys.empty()) result["old_signing_keys"] = tenant.old_signing_keys;
  return result;
}

const char* encrypted_rooms(api::EncryptedRooms rooms) {
  switch (rooms) {
    case api::EncryptedRooms::off:
      return "off";
    case api::EncryptedRooms::all:
      return "all";
    case api::EncryptedRooms::invite:
      break;
  }
  return "invite";
}

/// Nobody registers on their own, and passwords resist guessing. Sessions that a client refreshes
/// end after a month of silence; those of clients that cannot refresh do not, or they would end
/// daily.
json accounts(const Tenant& tenant) {
  json result = {
      {"enable_registration", false},
      {"allow_guest_access", false},
      {"enable_3pid_lookup", false},
      {"delete_stale_devices_after", "1y"},
      {"turn_allow_guests", false},
      {"encryption_enabled_by_default_for_room_type", encrypted_rooms(tenant.spec.encrypted_rooms)},
      {"presence", {{"enabled", false}}}};
  result.update(login_config(tenant));
  return result;
}

/// A company arrives behind one address, and Synapse's default lets five people an address log in
/// before it asks for minutes between two. Guessing stays bounded for each account by the defaults
/// of rc_login.failed_attempts.
json rate_limits() {
  return {{"rc_login",
           {{"address", {{"per_second", 0.5}, {"burst_count", 100}}},
            {"account", {{"per_second", 0.05}, {"burst_count", 20}}}}}};
}

json privacy() {
  return {{"require_auth_for_profile_requests", true},
          {"limit_profile_requests_to_users_who_share_rooms", true},
          {"include_profile_data_on_invite", false},
          {"allow_public_rooms_without_auth", false},
          {"allow_public_rooms_over_federation", false}};
}

/// Closed: no other server is talked to, neither asked nor answered. Keys are asked of the server
/// that they belong to; only who talks to the whole world needs somebody who remembers the keys of
/// servers that are gone. Names and pictures are told to whom an employee talks to, devices never.
json federation(const Tenant& tenant) {
  using Mode = api::Federation::Mode;
  const api::Federation& wanted = tenant.spec.federation;
  json result = {{"federation_client_minimum_tls_version", "1.2"},
                 {"allow_profile_lookup_over_federation", wanted.mode != Mode::closed},
                 {"allow_device_name_lookup_over_federation", false},
                 {"trusted_key_servers", json::array()},
                 {"suppress_key_server_warning", true}};
  if (wanted.mode == Mode::open) {
    result["trusted_key_servers"].push_back({{"server_name", "matrix.org"}});
  } else {
    result["federation_domain_whitelist"] = wanted.allow;
  }
  // Private addresses are refused by default (ip_range_blacklist); these are the exceptions.
  if (!wanted.private_networks.empty()) result["ip_range_whitelist"] = wanted.private_networks;
  return result;
}

}  // namespace

json database_config(int connections) {
  return {{"name", "psycopg2"},
          // A connection ends after so many transactions, and the next one logs in anew: sessions
          // do not outlive a former password for ever.
          {"txn_limit", kTransactionsOfASession},
          {"args",
           {{"service", kLoginService},
            {"application_name", "synapse"},
            {"connect_timeout", 10},
            {"cp_min", std::min(connections, kKeptConnections)},
            {"cp_max", connections},
            {"keepalives_idle", 10},
            {"keepalives_interval", 10},
            {"keepalives_count", 3}}}};
}

json homeserver_config(const Tenant& tenant) {
  json result = json::object();
  for (const json& part : {identity(tenant), listeners(tenant), storage(tenant), secrets(tenant),
                           accounts(tenant), rate_limits(), privacy(), federation(tenant)}) {
    result.update(part);
  }
  result.update(calls_homeserver_config(tenant));
  if (has_workers(tenant)) result.update(shared_worker_config(tenant));
  if (has_bucket(tenant) && !has_media_worker(tenant)) result.update(bucket_config(tenant));
  result.update(registration_config(tenant));
  // Otherwise Synapse asks whoever logged in elsewhere whether to trust the company's own chat.
  if (has_web(tenant) && !has_mas(tenant) && !tenant.spec.authentication.oidc.empty()) {
    result["sso"] = {{"client_whitelist", json::array({web_url(tenant) + "/"})}};
  }
  return result;
}

json log_config() {
  return {{"version", 1},
          {"disable_existing_loggers", false},
          {"formatters", {{"json", {{"class", "synapse.logging.TerseJsonFormatter"}}}}},
          {"handlers",
           {{"console",
             {{"class", "logging.StreamHandler"},
              {"formatter", "json"},
              {"stream", "ext://sys.stdout"}}}}},
          {"root", {{"level", "INFO"}, {"handlers", json::array({"console"})}}}};
}

}  // namespace alphorn::manifests
