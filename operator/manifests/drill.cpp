#include "manifests/backup.hpp"
#include "manifests/database_login.hpp"
#include "manifests/homeserver_config.hpp"
#include "manifests/repository.hpp"
#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"

// A drill is one pod that nobody can reach and that reaches the repository alone. In it a server of
// PostgreSQL is made, filled from a set, and a homeserver started on it; the last container asks
// whether that is the company's. The disks go with the pod.
namespace alphorn::manifests {
namespace {

constexpr const char* kConfig = "/etc/backup";
constexpr const char* kServerConfig = "/etc/database";  // as the company's own server has it
constexpr const char* kHomeserverConfig = "/etc/homeserver";
constexpr const char* kWork = "/fetched";
constexpr const char* kDatabaseData = "/data/pg";
constexpr const char* kMedia = "/media";
constexpr const char* kSockets = "/run/postgresql";
constexpr const char* kRendered = "/run/homeserver";
constexpr const char* kCache = "/cache";
constexpr const char* kLastWords = "/dev/termination-log";
constexpr int kGraceSeconds = 30;
constexpr int kDeadlineSeconds = 12 * 3600;
constexpr int kLatestStartSeconds = 12 * 3600;
constexpr int kStartSeconds = 1800;
constexpr int kRetries = 1;
constexpr int kFutile = 3;

std::string in_work(const std::string& file) { return std::string{kWork} + "/" + file; }

/// Where a Secret of the set is once it was fetched.
std::string secret_file(const std::string& secret, const std::string& key) {
  return in_work("set/secrets/" + secret + "/" + key);
}

std::vector<std::string> roles(const Tenant& tenant) {
  std::vector<std::string> result{kDatabaseRole};
  for (const std::string& role : other_roles(tenant)) result.push_back(role);
  return result;
}

json databases(const Tenant& tenant) {
  json result = json::array();
  for (const std::string& role : roles(tenant)) {
    result.push_back({{"name", role},
                      {"serviceFile", std::string{kConfig} + "/pg_service.conf"},
                      {"service", role},
                      {"isHomeserver", role == kDatabaseRole}});
  }
  return result;
}

/// Whoever is in the pod is let in: by a socket that nobody else has.
std::string service_file_of(const Tenant& tenant) {
  std::string text;
  for (const std::string& role : roles(tenant)) {
    text += "[" + role + "]\nhost=" + kSockets + "\ndbname=" + role + "\nuser=" + role + "\n";
  }
  return text;
}

std::string make_databases(const Tenant& tenant) {
  std::string text = "\\set ON_ERROR_STOP 1\n";
  for (const std::string& role : roles(tenant)) {
    text += "CREATE ROLE " + role + " LOGIN;\n";
    text += "CREATE DATABASE " + role + " OWNER " + role +
            " TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';\n";
  }
  return text;
}

/// The company's keys and data, and none of its ways out: nobody is federated with, no phone is
/// woken, no bridge is told.
json homeserver_of_drill(const Tenant& tenant) {
  const std::string keys = homeserver_keys(tenant);
  const json listener = {
      {"port", kHomeserverPort},
      {"type", "http"},
      {"tls", false},
      {"bind_addresses", json::array({"127.0.0.1"})},
      {"resources",
       json::array({{{"names", json::array({"client", "keys"})}, {"compress", false}}})}};
  return {{"server_name", tenant.spec.server_name},
          {"report_stats", false},
          {"pid_file", "/tmp/homeserver.pid"},
          {"log_config", std::string{kHomeserverConfig} + "/log.yaml"},
          {"listeners", json::array({listener})},
          {"database",
           {{"name", "psycopg2"},
            {"args",
             {{"host", kSockets},
              {"dbname", kDatabaseRole},
              {"user", kDatabaseRole},
              {"cp_min", 1},
              {"cp_max", 5}}}}},
          {"media_store_path", kMedia},
          {"enable_authenticated_media", true},
          {"signing_key_path", secret_file(keys, "signing.key")},
          {"macaroon_secret_key_path", secret_file(keys, "macaroon")},
          {"form_secret_path", secret_file(keys, "form")},
          {"registration_shared_secret_path", secret_file(keys, "registration")},
          {"password_config", {{"pepper", {{"$file", secret_file(keys, "pepper")}}}}},
          {"federation_domain_whitelist", json::array()},
          {"trusted_key_servers", json::array()},
          {"suppress_key_server_warning", true},
          {"push", {{"enabled", false}}},
          {"enable_registration", false},
          {"presence", {{"enabled", false}}}};
}

json request(const Tenant& tenant, json more) {
  json result = {
      {"repository", repository_request(tenant, tenant.spec.backup->repository, kConfig)},
      {"set", nullptr},
      {"lastWords", kLastWords}};
  result.update(more);
  return result;
}

json fetch_request(const Tenant& tenant) { return request(tenant, {{"into", in_work("set")}}); }

json fill_request(const Tenant& tenant) {
  json more = {{"databases", databases(tenant)},
               {"media", nullptr},
               {"sample", tenant.spec.backup->drill.media_sample},
               {"manifestFile", in_work("manifest.json")},
               {"startedAtFile", in_work("started-at")}};
  if (!has_bucket(tenant)) more["media"] = kMedia;
  return request(tenant, std::move(more));
}

json check_request(const Tenant& tenant) {
  return request(
      tenant, {{"databases", databases(tenant)},
               {"homeserver", "http://127.0.0.1:" + std::to_string(kHomeserverPort)},
               {"serverName", tenant.spec.server_name},
               {"sample", tenant.spec.backup->drill.media_sample},
               {"manifestFile", in_work("manifest.json")},
               {"startedAtFile", in_work("started-at")},
               {"patienceSeconds", kStartSeconds},
               {"registrationSecretFile", secret_file(homeserver_keys(tenant), "registration")},
               {"readDataSubset", std::to_string(tenant.spec.backup->drill.read_percent) + "%"}});
}

json files(const Tenant& tenant) {
  return {{"fetch.json", fetch_request(tenant).dump()},
          {"fill.json", fill_request(tenant).dump()},
          {"check.json", check_request(tenant).dump()},
          {"homeserver.yaml", to_yaml(homeserver_of_drill(tenant))},
          {"log.yaml", to_yaml(log_config())},
          {"pg_service.conf", service_file_of(tenant)},
          {"databases.sql", make_databases(tenant)},
          {"pg_hba.conf", "local all all trust\n"},
          {"postgresql.conf", scripts::postgresql},
          {"prepare_database.sh", scripts::prepare_database},
          {"render_config.py", scripts::render_config}};
}

/// The programs are in the ConfigMap of runs already.
json config_volume(const Tenant& tenant) {
  const auto part = [](const std::string& name) { return json{{"configMap", {{"name", name}}}}; };
  json volume = projected_volume(
      "config", json::array({part(backup_name(tenant)), part(drill_name(tenant))}));
  volume["projected"].erase("defaultMode");  // nothing of it is secret, and PostgreSQL reads it too
  return volume;
}

/// One of the programs that know sets.
json program(const Tenant& tenant, const std::string& name, const std::string& script) {
  json result = container(name, tenant.images.backup,
                          {"python3", std::string{kConfig} + "/" + script,
                           std::string{kConfig} + "/" + name + ".json"});
  result["env"] = repository_environment(kCache);
  result["env"].push_back(
      {{"name", "SET_ID"},
       {"valueFrom",
        {{"fieldRef",
          {{"fieldPath", std::string{"metadata.annotations['"} + kSetWanted + "']"}}}}}});
  result["resources"] = resources("50m", "128Mi", "1", "1Gi");
  result["volumeMounts"] =
      json::array({read_only_mount("config", kConfig), mount("work", kWork), mount("cache", kCache),
                   mount("tmp", "/tmp"), mount("sockets", kSockets), mount("media", kMedia)});
  for (json& one : repository_mounts(tenant.spec.backup->repository)) {
    result["volumeMounts"].push_back(std::move(one));
  }
  return result;
}

/// Nobody waits for it: it takes the CPU that is left, and no node needs to promise it any.
json unhurried(json resources) {
  resources["requests"]["cpu"] = "50m";
  return resources;
}

/// The same user as in the company's own server: PostgreSQL needs one that its image knows.
json server(const Tenant& tenant, const std::string& name,
            const std::vector<std::string>& command) {
  json result = container(name, tenant.images.postgres, command);
  result["securityContext"]["runAsUser"] = kPostgresUser;
  result["securityContext"]["runAsGroup"] = kPostgresUser;
  result["resources"] = unhurried(tenant.spec.database_resources);
  result["volumeMounts"] = json::array({read_only_mount("config", kServerConfig),
                                        mount("database", "/data"), mount("sockets", kSockets),
                                        mount("shared-memory", "/dev/shm"), mount("tmp", "/tmp")});
  return result;
}

json running(json container, const json& probe) {
  container["restartPolicy"] = "Always";  // beside those that follow, until the last has ended
  container["startupProbe"] = probe;
  return container;
}

json postgres(const Tenant& tenant) {
  return running(server(tenant, "postgres",
                        {"postgres", "-D", kDatabaseData, "-c",
                         std::string{"config_file="} + kServerConfig + "/postgresql.conf", "-c",
                         "listen_addresses="}),
                 timed(exec_probe({"pg_isready", "--quiet", std::string{"--host="} + kSockets}), 1,
                       kStartSeconds, 5));
}

json synapse(const Tenant& tenant, const std::string& name,
             const std::vector<std::string>& command) {
  json result = container(name, tenant.images.synapse, command);
  result["env"] = json::array({{{"name", "HOME"}, {"value", "/tmp"}},
                               {{"name", "PYTHONDONTWRITEBYTECODE"}, {"value", "1"}},
                               {{"name", "PYTHONUNBUFFERED"}, {"value", "1"}}});
  result["resources"] = unhurried(tenant.spec.homeserver_resources);
  result["volumeMounts"] =
      json::array({read_only_mount("config", kHomeserverConfig), read_only_mount("work", kWork),
                   mount("rendered", kRendered), mount("sockets", kSockets), mount("media", kMedia),
                   mount("synapse-tmp", "/tmp")});
  return result;
}

json containers_before(const Tenant& tenant) {
  const std::string config = std::string{kHomeserverConfig} + "/homeserver.yaml";
  const std::string rendered = std::string{kRendered} + "/homeserver.yaml";
  const std::string prepare = std::string{kServerConfig} + "/prepare_database.sh";
  const std::string statements = std::string{kServerConfig} + "/databases.sql";
  return json::array(
      {program(tenant, "fetch", "fetch_set.py"),
       server(tenant, "prepare", {"sh", prepare, kDatabaseData}), postgres(tenant),
       server(tenant, "databases",
              {"psql", "--no-psqlrc", "--quiet", "--username=postgres",
               std::string{"--host="} + kSockets, "--file=" + statements}),
       program(tenant, "fill", "fill_set.py"),
       synapse(tenant, "render",
               {"python3", std::string{kHomeserverConfig} + "/render_config.py", config, rendered}),
       // Whether it lives is what the last container asks.
       running(
           synapse(tenant, "synapse", {"python3", "-m", "synapse.app.homeserver", "-c", rendered}),
           timed(exec_probe({"true"}), 1, 1, 5))});
}

/// A disk as large as the company's own, which goes with the pod.
json passing_volume(const Tenant& tenant, const std::string& name, const api::Storage& storage) {
  json spec = {{"accessModes", json::array({"ReadWriteOnce"})},
               {"resources", {{"requests", {{"storage", storage.size}}}}}};
  if (!storage.storage_class.empty()) spec["storageClassName"] = storage.storage_class;
  return {{"name", name},
          {"ephemeral",
           {{"volumeClaimTemplate",
             {{"metadata", {{"labels", selector(tenant, kDrill)}}}, {"spec", spec}}}}}};
}

json pod(const Tenant& tenant) {
  json spec = pod_spec(tenant, kDefaultUser, kGraceSeconds);
  spec["restartPolicy"] = "Never";
  spec["initContainers"] = containers_before(tenant);
  spec["containers"] = json::array({program(tenant, "check", "check_set.py")});
  json& volumes = spec["volumes"];
  volumes = json::array({config_volume(tenant), memory_volume("work", "64Mi"),
                         memory_volume("rendered", "1Mi"), scratch_volume("sockets", "1Mi"),
                         memory_volume("shared-memory", "128Mi"), scratch_volume("cache", "10Gi"),
                         memory_volume("tmp", "64Mi"), scratch_volume("synapse-tmp", "1Gi"),
                         passing_volume(tenant, "database", tenant.spec.database),
                         passing_volume(tenant, "media", tenant.spec.media)});
  for (json& one : repository_volumes(tenant, tenant.spec.backup->repository)) {
    volumes.push_back(std::move(one));
  }
  json metadata = pod_metadata(tenant, kDrill, {{kSetWanted, ""}});
  return {{"metadata", std::move(metadata)}, {"spec", spec}};
}

Manifest cron_job(const Tenant& tenant) {
  const api::Backup& backup = *tenant.spec.backup;
  const json futile = {{"action", "FailJob"},
                       {"onExitCodes", {{"operator", "In"}, {"values", json::array({kFutile})}}}};
  const json job = {{"backoffLimit", kRetries},
                    {"podFailurePolicy", {{"rules", json::array({futile})}}},
                    {"activeDeadlineSeconds", kDeadlineSeconds},
                    {"template", pod(tenant)}};
  json spec = {
      {"schedule", backup.drill.schedule},
      {"suspend", backup.drill.suspended},
      {"concurrencyPolicy", "Forbid"},
      {"startingDeadlineSeconds", kLatestStartSeconds},
      {"successfulJobsHistoryLimit", 1},
      {"failedJobsHistoryLimit", 1},
      {"jobTemplate", {{"metadata", {{"labels", labels(tenant, kDrill)}}}, {"spec", job}}}};
  if (!backup.time_zone.empty()) spec["timeZone"] = backup.time_zone;
  return {{"apiVersion", "batch/v1"},
          {"kind", "CronJob"},
          {"metadata", metadata(tenant, kDrill, drill_name(tenant))},
          {"spec", spec}};
}

}  // namespace

std::string drill_name(const Tenant& tenant) { return tenant.name + "-drill"; }

Manifests drill(const Tenant& tenant) {
  if (!can_back_up(tenant)) return {};
  return {config_map(tenant, kDrill, drill_name(tenant), files(tenant)), cron_job(tenant)};
}

}  // namespace alphorn::manifests
