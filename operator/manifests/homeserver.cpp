#include "manifests/authentication.hpp"
#include "manifests/database_login.hpp"
#include "manifests/homeserver_config.hpp"
#include "manifests/media.hpp"
#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr int kStartSeconds = 1800;  // a new release changes the schema before it answers
constexpr int kStopSeconds = 60;
constexpr const char* kConfig = "/etc/homeserver";
constexpr const char* kAuthority = "ca.crt";
constexpr const char* kRendered = "/run/homeserver";
constexpr const char* kSecretsSeen = "alphorn.dev/client-secrets";
constexpr const char* kKeysRotated = "alphorn.dev/keys-rotated";
constexpr const char* kHomeserverKeys = "/keys/homeserver";

/// Authorities besides those of the world.
bool trusts_more(const Tenant& tenant) {
  return federates(tenant) || !tenant.spec.ca_bundle.empty();
}

void append(json& list, const json& more) { list.insert(list.end(), more.begin(), more.end()); }

json data(const Tenant& tenant) {
  json files = {{"homeserver.yaml", to_yaml(homeserver_config(tenant))},
                {"log.yaml", to_yaml(log_config())},
                {"render_config.py", scripts::render_config}};
  if (has_bucket(tenant)) {
    files["bucket.yaml"] = to_yaml(bucket_watch_config(tenant));
    files["media_bucket.py"] = scripts::media_bucket;
    files["prepare_bucket.py"] = scripts::prepare_bucket;
  }
  if (trusts_more(tenant)) {
    files[kAuthority] = (federates(tenant) ? tenant.authority_pem : "") + tenant.spec.ca_bundle;
  }
  return files;
}

std::string rendered_config() { return std::string{kRendered} + "/homeserver.yaml"; }

json python_environment() {
  return json::array({{{"name", "HOME"}, {"value", "/tmp"}},
                      {{"name", "PYTHONDONTWRITEBYTECODE"}, {"value", "1"}},
                      {{"name", "PYTHONUNBUFFERED"}, {"value", "1"}}});
}

/// Companies of one operator trust its authority beside those of the world. OpenSSL reads the file
/// and the directory; without the latter's name pyOpenSSL would look in neither.
void trust_authorities(json& environment) {
  environment.push_back(
      {{"name", "SSL_CERT_FILE"}, {"value", std::string{kConfig} + "/" + kAuthority}});
  environment.push_back({{"name", "SSL_CERT_DIR"}, {"value", "/etc/ssl/certs"}});
}

json render(const Tenant& tenant) {
  const std::string config = kConfig;
  json result = container(
      "render", tenant.images.synapse,
      {"python3", config + "/render_config.py", config + "/homeserver.yaml", rendered_config()});
  result["env"] = python_environment();
  result["resources"] = resources("50m", "64Mi", "1", "128Mi");
  result["volumeMounts"] = json::array({read_only_mount("config", kConfig),
                                        read_only_mount("homeserver-keys", kHomeserverKeys),
                                        mount("rendered", kRendered), mount("tmp", "/tmp")});
  if (has_bucket(tenant)) result["volumeMounts"].push_back(bucket_key_mount());
  return result;
}

json synapse(const Tenant& tenant) {
  json result = container("synapse", tenant.images.synapse,
                          {"python3", "-m", "synapse.app.homeserver", "-c", rendered_config()});
  const json alive = http_probe("/health", "http");
  // Passes the whole listener, not a constant. It leaves the database out on purpose: without it,
  // the only pod would leave its Service, and clients would see the gateway's error in place of
  // Synapse's. Whether the database is reached is asked by the operator.
  const json serves = http_probe("/_matrix/client/versions", "http");
  result["workingDir"] = "/tmp";
  result["env"] = python_environment();
  result["env"].push_back(login_environment());
  if (trusts_more(tenant)) trust_authorities(result["env"]);
  if (has_bucket(tenant)) trust_bucket(tenant, result["env"]);
  result["ports"] = json::array({port("http", kHomeserverPort), port("metrics", kMetricsPort)});
  result["resources"] = tenant.spec.homeserver_resources;
  result["startupProbe"] = timed(alive, 1, kStartSeconds, 5);
  result["readinessProbe"] = timed(serves, 5, 3, 5);
  result["livenessProbe"] = timed(alive, 15, 4, 10);
  result["volumeMounts"] =
      json::array({mount("media", "/data"), read_only_mount("config", kConfig),
                   read_only_mount("homeserver-keys", kHomeserverKeys), login_mount(),
                   read_only_mount("rendered", kRendered), mount("tmp", "/tmp")});
  append(result["volumeMounts"], client_secret_mounts(tenant.spec.authentication));
  return result;
}

Manifest service(const Tenant& tenant) {
  json ports =
      json::array({{{"name", "http"}, {"port", kHomeserverPort}, {"targetPort", "http"}},
                   {{"name", "metrics"}, {"port", kMetricsPort}, {"targetPort", "metrics"}}});
  if (has_bucket(tenant)) {
    ports.push_back({{"name", "bucket"}, {"port", kBucketPort}, {"targetPort", "bucket"}});
  }
  return {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", metadata(tenant, "homeserver", homeserver_name(tenant))},
      {"spec",
       {{"type", "ClusterIP"}, {"selector", selector(tenant, "homeserver")}, {"ports", ports}}}};
}

Manifest stateful_set(const Tenant& tenant, const json& config) {
  json pod = pod_spec(kDefaultUser, kStopSeconds);
  pod["initContainers"] = json::array({render(tenant)});
  pod["containers"] = json::array({synapse(tenant)});
  pod["volumes"] =
      json::array({claim_volume("media", media_claim(tenant)),
                   config_map_volume("config", homeserver_name(tenant)),
                   secret_volume("homeserver-keys", homeserver_keys(tenant)), login_volume(tenant),
                   memory_volume("rendered", "1Mi"), scratch_volume("tmp", "1Gi")});
  append(pod["volumes"], client_secret_volumes(tenant.spec.authentication));
  if (has_bucket(tenant)) {
    pod["initContainers"].push_back(prepare_bucket(tenant, python_environment()));
    pod["containers"].push_back(bucket_watch(tenant, python_environment()));
    pod["volumes"].push_back(bucket_key_volume(tenant));
  }
  json annotations = {{kConfigHash, fingerprint_of(config)}};
  if (!tenant.client_secrets_seen.empty()) annotations[kSecretsSeen] = tenant.client_secrets_seen;
  if (!tenant.keys_rotated.empty()) annotations[kKeysRotated] = tenant.keys_rotated;
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", metadata(tenant, "homeserver", homeserver_name(tenant))},
          {"spec",
           {{"replicas", tenant.spec.hibernated ? 0 : 1},
            {"serviceName", homeserver_name(tenant)},
            {"selector", {{"matchLabels", selector(tenant, "homeserver")}}},
            {"template",
             {{"metadata", pod_metadata(tenant, "homeserver", annotations)}, {"spec", pod}}}}}};
}

}  // namespace

Manifests homeserver(const Tenant& tenant) {
  const json config = data(tenant);
  return {config_map(tenant, "homeserver", homeserver_name(tenant), config), service(tenant),
          stateful_set(tenant, config)};
}

}  // namespace alphorn::manifests
