#include "manifests/synapse_pod.hpp"

#include "manifests/authentication.hpp"
#include "manifests/bridges.hpp"
#include "manifests/calls.hpp"
#include "manifests/database_login.hpp"
#include "manifests/homeserver_config.hpp"
#include "manifests/media.hpp"
#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"

namespace alphorn::manifests {
namespace {

constexpr int kStartSeconds = 1800;  // a new release changes the schema before it answers
constexpr int kStopSeconds = 60;
constexpr const char* kConfig = "/etc/homeserver";
constexpr const char* kWorkerConfigs = "/etc/workers";
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

std::string in_folder(const char* folder, const std::string& file) {
  return std::string{folder} + "/" + file;
}

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

/// The pod's own name is a worker's.
json pod_name() {
  return {{"name", "POD_NAME"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}};
}

json render(const Tenant& tenant, const SynapseProcess& process) {
  std::vector<std::string> command{"python3", in_folder(kConfig, "render_config.py"),
                                   in_folder(kConfig, "homeserver.yaml"),
                                   in_folder(kRendered, "homeserver.yaml")};
  for (std::string& argument : registration_arguments(tenant, kConfig, kRendered)) {
    command.push_back(std::move(argument));
  }
  if (!process.worker_file.empty()) {
    command.push_back(in_folder(kWorkerConfigs, process.worker_file));
    command.push_back(in_folder(kRendered, "worker.yaml"));
  }
  json result = container("render", tenant.images.synapse, command);
  result["env"] = python_environment();
  result["resources"] = resources("50m", "64Mi", "1", "128Mi");
  result["volumeMounts"] = json::array({read_only_mount("config", kConfig),
                                        read_only_mount("homeserver-keys", kHomeserverKeys),
                                        mount("rendered", kRendered), mount("tmp", "/tmp")});
  if (!process.worker_file.empty()) {
    result["env"].push_back(pod_name());
    result["volumeMounts"].push_back(read_only_mount("workers", kWorkerConfigs));
  }
  if (has_bucket(tenant) && process.has_media) result["volumeMounts"].push_back(bucket_key_mount());
  if (has_bridges(tenant)) result["volumeMounts"].push_back(registration_mount());
  return result;
}

/// Before the first bridge of a company that has been talking for long.
json skip_history(const Tenant& tenant) {
  json result =
      container("skip-history", tenant.images.synapse,
                {"python3", in_folder(kConfig, "skip_history.py"), std::string{kLoginService}});
  result["env"] = python_environment();
  result["env"].push_back(login_environment());
  result["resources"] = resources("20m", "32Mi", "500m", "128Mi");
  result["volumeMounts"] =
      json::array({read_only_mount("config", kConfig), login_mount(), mount("tmp", "/tmp")});
  return result;
}

std::vector<std::string> start(const SynapseProcess& process) {
  std::vector<std::string> command{"python3", "-m", process.module, "-c",
                                   in_folder(kRendered, "homeserver.yaml")};
  if (!process.worker_file.empty()) {
    command.insert(command.end(), {"-c", in_folder(kRendered, "worker.yaml")});
  }
  return command;
}

json ports_of(const Tenant& tenant, const SynapseProcess& process) {
  json ports = json::array({port("http", kHomeserverPort), port("metrics", kMetricsPort)});
  if (has_workers(tenant) && process.hears_others) {
    ports.push_back(port("replication", kReplicationPort));
  }
  return ports;
}

json synapse(const Tenant& tenant, const SynapseProcess& process) {
  json result = container("synapse", tenant.images.synapse, start(process));
  const json alive = http_probe("/health", "http");
  // Passes the whole listener, not a constant. It leaves the database out on purpose: without it,
  // the only pod would leave its Service, and clients would see the gateway's error in place of
  // Synapse's. Whether the database is reached is asked by the operator.
  const bool is_main = process.worker_file.empty();
  const json serves = is_main ? http_probe("/_matrix/client/versions", "http") : alive;
  result["workingDir"] = "/tmp";
  result["env"] = python_environment();
  result["env"].push_back(login_environment());
  if (has_plain_rooms(tenant)) {
    result["env"].push_back({{"name", "PYTHONPATH"}, {"value", kConfig}});
  }
  if (trusts_more(tenant)) trust_authorities(result["env"]);
  if (has_bucket(tenant) && process.has_media) trust_bucket(tenant, result["env"]);
  result["ports"] = ports_of(tenant, process);
  result["resources"] = process.resources;
  result["startupProbe"] = timed(alive, 1, kStartSeconds, 5);
  result["readinessProbe"] = timed(serves, 5, 3, 5);
  result["livenessProbe"] = timed(alive, 15, 4, 10);
  result["volumeMounts"] = json::array();
  if (process.has_media) result["volumeMounts"].push_back(mount("media", "/data"));
  append(result["volumeMounts"],
         json::array({read_only_mount("config", kConfig),
                      read_only_mount("homeserver-keys", kHomeserverKeys), login_mount(),
                      read_only_mount("rendered", kRendered), mount("tmp", "/tmp")}));
  if (has_workers(tenant)) result["volumeMounts"].push_back(worker_keys_mount());
  if (homeserver_knows_turn(tenant)) result["volumeMounts"].push_back(turn_secret_mount());
  append(result["volumeMounts"], login_mounts(tenant));
  return result;
}

json volumes_of(const Tenant& tenant, const SynapseProcess& process) {
  json result = json::array();
  if (process.has_media) result.push_back(claim_volume("media", media_claim(tenant)));
  append(result, json::array({config_map_volume("config", homeserver_name(tenant)),
                              secret_volume("homeserver-keys", homeserver_keys(tenant)),
                              login_volume(tenant), memory_volume("rendered", "1Mi"),
                              scratch_volume("tmp", "1Gi")}));
  if (!process.worker_file.empty()) {
    result.push_back(config_map_volume("workers", workers_config_map(tenant)));
  }
  if (has_workers(tenant)) result.push_back(worker_keys_volume(tenant));
  if (has_bridges(tenant)) result.push_back(registration_volume(tenant));
  if (homeserver_knows_turn(tenant)) result.push_back(turn_secret_volume(tenant));
  append(result, login_volumes(tenant));
  if (has_bucket(tenant) && process.has_media) result.push_back(bucket_key_volume(tenant));
  return result;
}

}  // namespace

json homeserver_files(const Tenant& tenant) {
  json files = {{"homeserver.yaml", to_yaml(homeserver_config(tenant))},
                {"log.yaml", to_yaml(log_config())},
                {"render_config.py", scripts::render_config}};
  if (has_bucket(tenant)) {
    files["bucket.yaml"] = to_yaml(bucket_watch_config(tenant));
    files["media_bucket.py"] = scripts::media_bucket;
    files["prepare_bucket.py"] = scripts::prepare_bucket;
  }
  files.update(registration_files(tenant));
  if (has_plain_rooms(tenant)) files["plain_rooms.py"] = scripts::plain_rooms;
  if (has_bridges(tenant)) files["skip_history.py"] = scripts::skip_history;
  if (trusts_more(tenant)) {
    files[kAuthority] = (federates(tenant) ? tenant.authority_pem : "") + tenant.spec.ca_bundle;
  }
  return files;
}

json synapse_annotations(const Tenant& tenant) {
  json annotations = {{kConfigHash, fingerprint_of(homeserver_files(tenant))}};
  if (!tenant.client_secrets_seen.empty()) annotations[kSecretsSeen] = tenant.client_secrets_seen;
  if (!tenant.keys_rotated.empty()) annotations[kKeysRotated] = tenant.keys_rotated;
  if (has_bridges(tenant)) annotations[kBridgeKeysSeen] = bridge_keys_seen(tenant);
  if (has_workers(tenant)) annotations[kWorkerKeysSeen] = tenant.worker_keys_seen;
  if (homeserver_knows_turn(tenant)) annotations[kCallsKeysSeen] = tenant.calls.keys;
  return annotations;
}

json synapse_pod(const Tenant& tenant, const SynapseProcess& process) {
  json pod = pod_spec(tenant, kDefaultUser, kStopSeconds);
  pod["initContainers"] = json::array({render(tenant, process)});
  if (has_bridges(tenant) && process.worker_file.empty()) {
    pod["initContainers"].push_back(skip_history(tenant));
  }
  pod["containers"] = json::array({synapse(tenant, process)});
  pod["volumes"] = volumes_of(tenant, process);
  if (has_bucket(tenant) && process.has_media) {
    pod["initContainers"].push_back(prepare_bucket(tenant, python_environment()));
    pod["containers"].push_back(bucket_watch(tenant, python_environment()));
  }
  return pod;
}

}  // namespace alphorn::manifests
