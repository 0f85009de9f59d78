#include "manifests/calls.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kKeys = "/keys/calls";
constexpr const char* kLiveKitConfig = "/etc/livekit";
constexpr const char* kTurnConfig = "/etc/turn";
constexpr const char* kLkJwtConfig = "/etc/lk-jwt";
constexpr int kLiveKitStopSeconds = 20;
constexpr int kStopSeconds = 10;

json field(const std::string& name, const std::string& path) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

/// Images of their makers have the program in their root, others where programs usually are.
json path() { return {{"name", "PATH"}, {"value", "/usr/local/bin:/usr/bin:/bin:/"}}; }

json python(const Tenant& tenant, const std::string& name,
            const std::vector<std::string>& command) {
  json result = container(name, tenant.images.synapse, command);
  result["env"] = json::array({{{"name", "PYTHONDONTWRITEBYTECODE"}, {"value", "1"}}});
  result["resources"] = resources("20m", "16Mi", "500m", "64Mi");
  return result;
}

json secret_file(const Tenant& tenant, const char* key) {
  json volume = secret_volume("keys", calls_keys(tenant));
  volume["secret"]["items"] = json::array({{{"key", key}, {"path", key}}});
  return volume;
}

/// One pod at a time: two would each have some people of the same call. While the company is closed
/// nobody is to be passed on either.
Manifest deployment(const Tenant& tenant, const std::string& component, const std::string& name,
                    const json& files, const json& pod) {
  const bool stopped = tenant.spec.hibernated || tenant.spec.fenced;
  const json annotations = {{kConfigHash, fingerprint_of(files)},
                            {kCallsKeysSeen, tenant.calls.keys}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", metadata(tenant, component, name)},
          {"spec",
           {{"replicas", stopped ? 0 : 1},
            {"strategy", {{"type", "Recreate"}}},
            {"selector", {{"matchLabels", selector(tenant, component)}}},
            {"template",
             {{"metadata", pod_metadata(tenant, component, annotations)}, {"spec", pod}}}}}};
}

/// The address that clients send media to: of the node, where nobody says another.
json own_address(const Tenant& tenant) {
  const api::Calls& calls = tenant.spec.calls;
  if (calls.address.empty() && calls.mode == api::Calls::Mode::node_port) {
    return field("NODE_IP", "status.hostIP");
  }
  return {{"name", "NODE_IP"}, {"value", tenant.calls.media_address}};
}

json livekit(const Tenant& tenant) {
  json result =
      container(kLiveKit, tenant.images.livekit,
                {"livekit-server", "--config", std::string{kLiveKitConfig} + "/config.yaml"});
  // It answers so while it counts its own load: a node that does not takes nobody in.
  const json well = http_probe("/", "http");
  result["env"] = json::array({path(), own_address(tenant)});
  json udp = port("udp", tenant.calls.udp_port.value());
  udp["protocol"] = "UDP";
  result["ports"] =
      json::array({port("http", kLiveKitPort), udp, port("tcp", tenant.calls.tcp_port.value())});
  if (is_watched(tenant)) result["ports"].push_back(port("metrics", kLiveKitMetricsPort));
  result["resources"] = resources("100m", "64Mi", "2", "1Gi");
  result["startupProbe"] = timed(well, 1, 60, 2);
  result["readinessProbe"] = timed(well, 5, 2, 2);
  result["livenessProbe"] = timed(well, 15, 4, 5);
  result["volumeMounts"] =
      json::array({read_only_mount("config", kLiveKitConfig),
                   read_only_mount("run", "/run/livekit"), mount("tmp", "/tmp")});
  return result;
}

/// LiveKit takes keys from one file, which nobody but its owner may read.
json render_keys(const Tenant& tenant) {
  const std::string config = kLiveKitConfig;
  json result = python(
      tenant, "render",
      {"python3", config + "/render_config.py", config + "/keys.yaml", "/run/livekit/keys.yaml"});
  result["volumeMounts"] =
      json::array({read_only_mount("config", kLiveKitConfig), read_only_mount("keys", kKeys),
                   mount("run", "/run/livekit"), mount("tmp", "/tmp")});
  return result;
}

json turn(const Tenant& tenant) {
  const std::string config = kTurnConfig;
  json result = container(kTurn, tenant.images.coturn,
                          {"sh", config + "/start_turn.sh", config + "/turnserver.conf",
                           std::string{kKeys} + "/" + kTurnSecret, "/run/turn/turnserver.conf"});
  // As a client asks what its address is. The program waits for an answer for ever.
  const json answers =
      exec_probe({"sh", "-c",
                  "timeout 3 turnutils_stunclient -p " + std::to_string(kTurnPort) +
                      " \"$POD_IP\" | grep -q reflexive"});
  json udp = port("turn-udp", kTurnPort);
  udp["protocol"] = "UDP";
  result["env"] = json::array({field("POD_IP", "status.podIP")});
  result["ports"] = json::array({udp, port("turn-tcp", kTurnPort)});
  result["resources"] = resources("20m", "32Mi", "1", "256Mi");
  result["startupProbe"] = timed(answers, 1, 60, 5);
  result["readinessProbe"] = timed(answers, 5, 2, 5);
  result["livenessProbe"] = timed(answers, 15, 4, 10);
  result["volumeMounts"] =
      json::array({read_only_mount("config", kTurnConfig), read_only_mount("keys", kKeys),
                   mount("run", "/run/turn"), mount("tmp", "/tmp")});
  return result;
}

json lk_jwt(const Tenant& tenant) {
  json result = container(kLkJwt, tenant.images.lk_jwt_service, {"lk-jwt-service"});
  const json well = http_probe("/healthz", "http");
  // The company's own authorities, and those of the world that its image has.
  result["env"] = json::array({path(),
                               {{"name", "SSL_CERT_FILE"}, {"value", "/etc/lk-jwt/ca.crt"}},
                               {{"name", "SSL_CERT_DIR"}, {"value", "/etc/ssl/certs"}}});
  for (const json& variable : lk_jwt_environment(tenant)) result["env"].push_back(variable);
  result["ports"] = json::array({port("http", kLkJwtPort)});
  result["resources"] = resources("10m", "16Mi", "500m", "128Mi");
  result["startupProbe"] = timed(well, 1, 60, 2);
  result["readinessProbe"] = timed(well, 5, 2, 2);
  result["livenessProbe"] = timed(well, 15, 4, 5);
  result["volumeMounts"] =
      json::array({read_only_mount("keys", kKeys), read_only_mount("config", kLkJwtConfig),
                   mount("tmp", "/tmp")});
  return result;
}

}  // namespace

Manifest livekit_deployment(const Tenant& tenant, const json& files) {
  json pod = pod_spec(tenant, kDefaultUser, kLiveKitStopSeconds);
  pod["initContainers"] = json::array({render_keys(tenant)});
  pod["containers"] = json::array({livekit(tenant)});
  pod["volumes"] = json::array({config_map_volume("config", livekit_name(tenant)),
                                secret_file(tenant, kLiveKitSecret), memory_volume("run", "1Mi"),
                                scratch_volume("tmp", "64Mi")});
  return deployment(tenant, kLiveKit, livekit_name(tenant), files, pod);
}

Manifest turn_deployment(const Tenant& tenant, const json& files) {
  json pod = pod_spec(tenant, kDefaultUser, kStopSeconds);
  pod["containers"] = json::array({turn(tenant)});
  pod["volumes"] =
      json::array({config_map_volume("config", turn_name(tenant)), secret_file(tenant, kTurnSecret),
                   memory_volume("run", "1Mi"), scratch_volume("tmp", "16Mi")});
  return deployment(tenant, kTurn, turn_name(tenant), files, pod);
}

Manifest lk_jwt_deployment(const Tenant& tenant, const json& files) {
  json pod = pod_spec(tenant, kDefaultUser, kStopSeconds);
  pod["containers"] = json::array({lk_jwt(tenant)});
  pod["volumes"] =
      json::array({config_map_volume("config", lk_jwt_name(tenant)),
                   secret_file(tenant, kLiveKitSecret), scratch_volume("tmp", "16Mi")});
  // Companies' names lead to the gateway at once; those of others where they always do.
  json names = json::array({tenant.spec.matrix_host, tenant.spec.rtc_host});
  const std::string domain = api::domain_of(tenant.spec.server_name);
  if (domain != tenant.spec.matrix_host) names.push_back(domain);
  pod["hostAliases"] = json::array({{{"ip", tenant.calls.inner_address}, {"hostnames", names}}});
  return deployment(tenant, kLkJwt, lk_jwt_name(tenant), files, pod);
}

}  // namespace alphorn::manifests
