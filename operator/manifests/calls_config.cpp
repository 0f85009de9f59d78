#include "manifests/calls.hpp"
#include "manifests/vocabulary.hpp"

// What the programs of calls, the homeserver and clients are told.
namespace alphorn::manifests {
namespace {

constexpr const char* kKeys = "/keys/calls";

/// What nobody may be relayed to: the tenant's own neighbours, and whatever is not of the world.
/// Peers in the company's own network reach one another without being relayed.
constexpr const char* kDeniedPeers[] = {"0.0.0.0-0.255.255.255",
                                        "10.0.0.0-10.255.255.255",
                                        "100.64.0.0-100.127.255.255",
                                        "127.0.0.0-127.255.255.255",
                                        "169.254.0.0-169.254.255.255",
                                        "172.16.0.0-172.31.255.255",
                                        "192.0.0.0-192.0.0.255",
                                        "192.0.2.0-192.0.2.255",
                                        "192.88.99.0-192.88.99.255",
                                        "192.168.0.0-192.168.255.255",
                                        "198.18.0.0-198.19.255.255",
                                        "198.51.100.0-198.51.100.255",
                                        "203.0.113.0-203.0.113.255",
                                        "224.0.0.0-255.255.255.255",
                                        "::1",
                                        "64:ff9b::-64:ff9b::ffff:ffff",
                                        "::ffff:0.0.0.0-::ffff:255.255.255.255",
                                        "2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                                        "2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                        "fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                        "fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};

std::string turn_place(const Tenant& tenant) {
  return tenant.calls.turn_address + ":" + std::to_string(tenant.calls.turn_port.value());
}

json variable(const std::string& name, const std::string& value) {
  return {{"name", name}, {"value", value}};
}

}  // namespace

bool has_calls(const Tenant& tenant) {
  return tenant.spec.calls.enabled && !tenant.images.livekit.empty() &&
         !tenant.images.coturn.empty();
}

bool has_group_calls(const Tenant& tenant) {
  return has_calls(tenant) && !tenant.images.lk_jwt_service.empty();
}

bool homeserver_knows_turn(const Tenant& tenant) {
  return has_calls(tenant) && tenant.calls.turn_port && !tenant.calls.turn_address.empty();
}

/// Of the node that its pod runs on, LiveKit learns the address by itself.
bool livekit_can_start(const Tenant& tenant) {
  const bool balanced = tenant.spec.calls.mode == api::Calls::Mode::load_balancer;
  return homeserver_knows_turn(tenant) && tenant.calls.udp_port && tenant.calls.tcp_port &&
         (!balanced || !tenant.calls.media_address.empty());
}

/// Without a STUN server of our own LiveKit would send clients to one of somebody else's.
json livekit_config(const Tenant& tenant) {
  const CallsSeen& seen = tenant.calls;
  json config = {{"port", kLiveKitPort},
                 {"key_file", "/run/livekit/keys.yaml"},
                 {"rtc",
                  {{"udp_port", seen.udp_port.value()},
                   {"tcp_port", seen.tcp_port.value()},
                   {"use_external_ip", false},
                   {"stun_servers", json::array({turn_place(tenant)})}}},
                 // Who may open one, lk-jwt-service decides.
                 {"room", {{"auto_create", false}}},
                 {"logging", {{"level", "info"}, {"json", true}}}};
  if (is_watched(tenant)) config["prometheus"] = {{"port", kLiveKitMetricsPort}};
  if (has_group_calls(tenant)) {
    config["webhook"] = {{"api_key", kLiveKitKey},
                         {"urls", json::array({inner_url(tenant, lk_jwt_name(tenant), kLkJwtPort) +
                                               "/sfu_webhook"})}};
  }
  return config;
}

/// Two people who are both relayed meet inside the one pod, whose address start_turn.sh adds: so
/// calls get through with this one port open, and no range of ports that relays are reached by.
std::string turn_config(const Tenant& tenant) {
  std::string text =
      "listening-port=" + std::to_string(kTurnPort) +
      "\n"
      "fingerprint\nuse-auth-secret\nstale-nonce=600\nno-tls\nno-dtls\nno-cli\nno-tcp-relay\n"
      "no-multicast-peers\nno-software-attribute\nno-rfc5780\nno-stun-backward-compatibility\n"
      "user-quota=12\ntotal-quota=1200\npidfile=/tmp/turnserver.pid\nuserdb=/tmp/turndb\n"
      "log-file=stdout\nsimple-log\n";
  text += "realm=" + api::domain_of(tenant.spec.server_name) + "\n";
  for (const char* peers : kDeniedPeers) text += std::string{"denied-peer-ip="} + peers + "\n";
  return text;
}

json lk_jwt_environment(const Tenant& tenant) {
  std::string url = rtc_url(tenant);
  url.replace(0, std::string{"https"}.size(), "wss");
  json result =
      json::array({variable("LIVEKIT_URL", url), variable("LIVEKIT_KEY", kLiveKitKey),
                   variable("LIVEKIT_SECRET_FROM_FILE", std::string{kKeys} + "/" + kLiveKitSecret),
                   variable("LIVEKIT_JWT_BIND", ":" + std::to_string(kLkJwtPort)),
                   variable("LIVEKIT_FULL_ACCESS_HOMESERVERS", tenant.spec.server_name),
                   variable("LIVEKIT_CS_API_URL_OVERRIDES",
                            tenant.spec.server_name + "=" + public_url(tenant))});
  return result;
}

/// Leaving a call is a message that is sent later by itself; who calls sends many, and renews that
/// one every few seconds.
json calls_homeserver_config(const Tenant& tenant) {
  json config = json::object();
  if (homeserver_knows_turn(tenant)) {
    const std::string place = "turn:" + turn_place(tenant);
    config["turn_uris"] = json::array({place + "?transport=udp", place + "?transport=tcp"});
    config["turn_shared_secret_path"] = std::string{kKeys} + "/" + kTurnSecret;
    config["turn_user_lifetime"] = "1h";
  }
  if (!has_group_calls(tenant)) return config;
  config["experimental_features"] = {{"msc4143_enabled", true}, {"msc4222_enabled", true}};
  config["matrix_rtc"] = {{"transports", rtc_foci(tenant)}};
  config["max_event_delay_duration"] = "24h";
  config["rc_message"] = {{"per_second", 0.5}, {"burst_count", 30}};
  config["rc_delayed_event_mgmt"] = {{"per_second", 1}, {"burst_count", 20}};
  return config;
}

json turn_secret_volume(const Tenant& tenant) {
  json volume = secret_volume("calls-keys", calls_keys(tenant));
  volume["secret"]["items"] = json::array({{{"key", kTurnSecret}, {"path", kTurnSecret}}});
  return volume;
}

json turn_secret_mount() { return read_only_mount("calls-keys", kKeys); }

json rtc_foci(const Tenant& tenant) {
  return json::array({{{"type", "livekit"}, {"livekit_service_url", rtc_url(tenant)}}});
}

}  // namespace alphorn::manifests
