#include "manifests/mas.hpp"

#include "manifests/authentication.hpp"
#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kConfig = "/etc/mas";
constexpr const char* kKeys = "/keys/mas";
constexpr const char* kDatabase = "/keys/database";
constexpr const char* kTrust = "/run/trust";
constexpr const char* kAuthority = "ca.crt";
constexpr const char* kAuthoritiesOfTheWorld = "/etc/ssl/certs/ca-certificates.crt";
constexpr const char* kSecretsSeen = "alphorn.dev/client-secrets";
constexpr int kStartSeconds = 300;
constexpr int kStopSeconds = 60;

bool trusts_more(const Tenant& tenant) { return !tenant.spec.ca_bundle.empty(); }

void append(json& list, const json& more) { list.insert(list.end(), more.begin(), more.end()); }

json files(const Tenant& tenant) {
  json result = {{"config.yaml", to_yaml(mas_config(tenant))}};
  if (trusts_more(tenant)) {
    result[kAuthority] = tenant.spec.ca_bundle;
    result["join_files.py"] = scripts::join_files;
  }
  return result;
}

json program_mounts(const Tenant& tenant) {
  json result = json::array({read_only_mount("config", kConfig), read_only_mount("keys", kKeys),
                             read_only_mount("database", kDatabase), mount("tmp", "/tmp")});
  append(result, client_secret_mounts(tenant.spec.authentication));
  if (trusts_more(tenant)) result.push_back(read_only_mount("trust", kTrust));
  return result;
}

/// One command of its program. The image has nothing besides: no shell.
json program(const Tenant& tenant, const std::string& name, std::vector<std::string> command) {
  command.insert(command.begin(), "mas-cli");
  for (const std::string& file :
       {std::string{kConfig} + "/config.yaml", std::string{kDatabase} + "/" + kMasDatabaseFile}) {
    command.push_back("--config=" + file);
  }
  json result = container(name, tenant.images.mas, command);
  result["resources"] = resources("20m", "64Mi", "1", "512Mi");
  result["volumeMounts"] = program_mounts(tenant);
  if (trusts_more(tenant)) {
    result["env"] = json::array(
        {{{"name", "SSL_CERT_FILE"}, {"value", std::string{kTrust} + "/" + kAuthority}}});
  }
  return result;
}

/// Its program reads one file of authorities: those of the world and the company's own. They are
/// joined where there is something to join them with, in the homeserver's image.
json join_authorities(const Tenant& tenant) {
  const std::string config = kConfig;
  json result =
      container("trust", tenant.images.synapse,
                {"python3", config + "/join_files.py", std::string{kTrust} + "/" + kAuthority,
                 kAuthoritiesOfTheWorld, config + "/" + kAuthority});
  result["env"] = json::array({{{"name", "PYTHONDONTWRITEBYTECODE"}, {"value", "1"}}});
  result["resources"] = resources("20m", "16Mi", "500m", "64Mi");
  result["volumeMounts"] = json::array(
      {read_only_mount("config", kConfig), mount("trust", kTrust), mount("tmp", "/tmp")});
  return result;
}

json server(const Tenant& tenant) {
  json result = program(tenant, "mas", {"server", "--no-migrate", "--no-sync"});
  const json serves = http_probe("/.well-known/openid-configuration", "http");
  // It asks the database: without it nobody can log in, but that is no reason to start anew.
  const json healthy = http_probe("/health", "admin");
  result["ports"] = json::array({port("http", kMasPort), port("admin", kMasAdminPort)});
  if (is_watched(tenant)) result["ports"].push_back(port("metrics", kMasMetricsPort));
  result["startupProbe"] = timed(serves, 1, kStartSeconds, 5);
  result["readinessProbe"] = timed(healthy, 5, 3, 5);
  result["livenessProbe"] = timed(serves, 15, 4, 10);
  return result;
}

/// Synced with "prune" before it starts: a provider that is taken out of the configuration would
/// otherwise go on letting people in.
json init_containers(const Tenant& tenant) {
  json result = json::array();
  if (trusts_more(tenant)) result.push_back(join_authorities(tenant));
  result.push_back(program(tenant, "migrate", {"database", "migrate"}));
  result.push_back(program(tenant, "sync", {"config", "sync", "--prune"}));
  return result;
}

json database_volume(const Tenant& tenant) {
  json volume = secret_volume("database", database_login(tenant));
  volume["secret"]["items"] =
      json::array({{{"key", kMasDatabaseFile}, {"path", kMasDatabaseFile}}});
  return volume;
}

json pod_volumes(const Tenant& tenant) {
  json result = json::array({config_map_volume("config", mas_name(tenant)),
                             secret_volume("keys", mas_keys(tenant)), database_volume(tenant),
                             scratch_volume("tmp", "64Mi")});
  append(result, client_secret_volumes(tenant.spec.authentication));
  if (trusts_more(tenant)) result.push_back(memory_volume("trust", "2Mi"));
  return result;
}

Manifest deployment(const Tenant& tenant, const json& config) {
  json pod = pod_spec(tenant, kDefaultUser, kStopSeconds);
  pod["initContainers"] = init_containers(tenant);
  pod["containers"] = json::array({server(tenant)});
  pod["volumes"] = pod_volumes(tenant);
  json annotations = {{kConfigHash, fingerprint_of(config)}};
  if (!tenant.mas_secrets_seen.empty()) annotations[kSecretsSeen] = tenant.mas_secrets_seen;
  return {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", metadata(tenant, "mas", mas_name(tenant))},
      {"spec",
       {{"replicas", tenant.spec.hibernated ? 0 : 1},
        {"strategy",
         {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 0}, {"maxSurge", 1}}}}},
        {"selector", {{"matchLabels", selector(tenant, "mas")}}},
        {"template", {{"metadata", pod_metadata(tenant, "mas", annotations)}, {"spec", pod}}}}}};
}

Manifest service(const Tenant& tenant) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", metadata(tenant, "mas", mas_name(tenant))},
      {"spec",
       {{"selector", selector(tenant, "mas")},
        {"ports",
         json::array({{{"name", "http"}, {"port", kMasPort}, {"targetPort", "http"}},
                      {{"name", "admin"}, {"port", kMasAdminPort}, {"targetPort", "admin"}}})}}}};
}

}  // namespace

json delegation_config(const Tenant& tenant) {
  return {{"matrix_authentication_service",
           {{"enabled", true},
            {"endpoint", mas_url(tenant) + "/"},
            {"secret_path", std::string{kKeys} + "/" + kMasHomeserverSecret}}},
          {"password_config", {{"enabled", false}}},
          {"enable_3pid_changes", false}};
}

json shared_secret_volume(const Tenant& tenant) {
  json volume = secret_volume("mas-keys", mas_keys(tenant));
  volume["secret"]["items"] =
      json::array({{{"key", kMasHomeserverSecret}, {"path", kMasHomeserverSecret}}});
  return volume;
}

json shared_secret_mount() { return read_only_mount("mas-keys", kKeys); }

Manifests mas(const Tenant& tenant) {
  if (!has_mas(tenant) || tenant.images.mas.empty()) return {};
  const json config = files(tenant);
  return {config_map(tenant, "mas", mas_name(tenant), config), service(tenant),
          deployment(tenant, config)};
}

}  // namespace alphorn::manifests
