#include "manifests/backup.hpp"

#include "manifests/bridges.hpp"
#include "manifests/database_login.hpp"
#include "manifests/mas.hpp"
#include "manifests/repository.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kConfig = "/etc/backup";
constexpr const char* kSet = "/set";
constexpr const char* kLogins = "/keys/database";
constexpr const char* kClientKey = "/keys/client";
constexpr const char* kLastWords = "/dev/termination-log";
constexpr const char* kMedia = "/data";
constexpr const char* kCache = "/cache";
constexpr int kGraceSeconds = 60;              // what is under way is let go, and its lock with it
constexpr int kDeadlineSeconds = 12 * 3600;    // a first backup of many files over a slow line
constexpr int kLatestStartSeconds = 6 * 3600;  // a night in which nothing could run is made up for
constexpr int kRetries = 3;
constexpr int kFutile = 3;  // the exit code of a run that another try would not help
constexpr int kPruneEveryDays = 7;
constexpr int kPatienceSeconds = 120;

json homeservers() {
  return {{"name", kDatabaseRole},
          {"serviceFile", std::string{kLogins} + "/" + kLoginFile},
          {"service", kLoginService},
          {"isHomeserver", true}};
}

/// One beside the homeserver's, on the server that the operator runs.
json other(const Tenant& tenant, const std::string& role) {
  return {{"name", role},
          {"connection",
           {{"host", database_name(tenant)},
            {"port", kDatabasePort},
            {"dbname", role},
            {"user", role}}},
          {"passwordFile", std::string{kLogins} + "/" + role}};
}

json databases(const Tenant& tenant) {
  json result = json::array({homeservers()});
  for (const std::string& role : other_roles(tenant)) result.push_back(other(tenant, role));
  return result;
}

json retention(const api::Retention& kept) {
  return {{"daily", kept.daily},
          {"weekly", kept.weekly},
          {"monthly", kept.monthly},
          {"yearly", kept.yearly}};
}

json request(const Tenant& tenant) {
  const api::Backup& backup = *tenant.spec.backup;
  json result = {{"set", nullptr},  // the pod says which
                 {"owner", tenant.uid},
                 {"company",
                  {{"name", tenant.name},
                   {"namespace", tenant.ns},
                   {"uid", tenant.uid},
                   {"serverName", tenant.spec.server_name}}},
                 {"synapseVersion", tenant.version},
                 {"repository", repository_request(tenant, backup.repository, kConfig)},
                 {"databases", databases(tenant)},
                 {"waitForDatabaseSeconds", kPatienceSeconds},
                 {"media", nullptr},
                 {"mediaInBucket", has_bucket(tenant)},
                 {"folder", kSet},
                 {"signingKeyFile",
                  std::string{kSet} + "/secrets/" + homeserver_keys(tenant) + "/signing.key"},
                 {"retention", retention(backup.retention)},
                 {"holds", tenant.backup_seen.holds},
                 {"clientKeyFile", nullptr},
                 {"jitterSeconds", backup.jitter_minutes * 60},
                 {"pruneEveryDays", kPruneEveryDays},
                 {"lastWords", kLastWords}};
  if (!has_bucket(tenant)) result["media"] = std::string{kMedia} + "/media_store";
  if (!backup.client_key_secret.empty()) {
    result["clientKeyFile"] = std::string{kClientKey} + "/" + kBackupPassword;
  }
  return result;
}

json files(const Tenant& tenant) {
  json result = {{"request.json", request(tenant).dump()},
                 {"company.json", json{{"resource", tenant.backup_seen.resource},
                                       {"secrets", tenant.backup_seen.secrets}}
                                      .dump()}};
  result.update(repository_files(tenant));
  return result;
}

/// What of the login's Secret a run needs: who it is now, and the roles of the other programs.
json logins_volume(const Tenant& tenant) {
  json volume = login_volume(tenant);
  volume["name"] = "logins";
  json& items = volume["secret"]["items"];
  for (const std::string& role : other_roles(tenant)) {
    items.push_back({{"key", role}, {"path", role}});
  }
  return volume;
}

std::string volume_of(std::size_t index) { return "secret-" + std::to_string(index); }

json run(const Tenant& tenant) {
  const api::Backup& backup = *tenant.spec.backup;
  json result = container(
      "backup", tenant.images.backup,
      {"python3", std::string{kConfig} + "/make_set.py", std::string{kConfig} + "/request.json"});
  result["env"] = repository_environment(kCache);
  // One Job makes one set, however many pods it takes.
  result["env"].push_back(
      {{"name", "SET_ID"},
       {"valueFrom",
        {{"fieldRef", {{"fieldPath", "metadata.labels['batch.kubernetes.io/controller-uid']"}}}}}});
  result["resources"] = resources("50m", "128Mi", "1", "1Gi");
  json& mounts = result["volumeMounts"];
  mounts = json::array({read_only_mount("config", kConfig), read_only_mount("logins", kLogins),
                        mount("cache", kCache), mount("tmp", "/tmp")});
  mounts.push_back({{"name", "config"},
                    {"mountPath", std::string{kSet} + "/company.json"},
                    {"subPath", "company.json"},
                    {"readOnly", true}});
  if (!has_bucket(tenant)) mounts.push_back(read_only_mount("media", kMedia));
  std::size_t index = 0;
  for (const json& secret : tenant.backup_seen.secrets) {
    mounts.push_back(read_only_mount(volume_of(index++),
                                     std::string{kSet} + "/secrets/" + string_at(secret, "name")));
  }
  if (!backup.client_key_secret.empty()) mounts.push_back(read_only_mount("client", kClientKey));
  for (json& one : repository_mounts(backup.repository)) mounts.push_back(std::move(one));
  return result;
}

/// A volume that one node may write to at a time is there where the homeserver is.
json beside_files(const Tenant& tenant) {
  json pods = selector(tenant, has_media_worker(tenant) ? kWorker : "homeserver");
  pods[kTenantLabel] = tenant.name;
  if (has_media_worker(tenant)) pods[kWorkerRole] = api::name_of(api::WorkerRole::media);
  return {{"podAffinity",
           {{"requiredDuringSchedulingIgnoredDuringExecution",
             json::array({{{"labelSelector", {{"matchLabels", pods}}},
                           {"topologyKey", "kubernetes.io/hostname"}}})}}}};
}

json pod(const Tenant& tenant) {
  const api::Backup& backup = *tenant.spec.backup;
  json spec = pod_spec(tenant, kDefaultUser, kGraceSeconds);
  spec["restartPolicy"] = "Never";
  spec["containers"] = json::array({run(tenant)});
  json& volumes = spec["volumes"];
  volumes = json::array({config_map_volume("config", backup_name(tenant)), logins_volume(tenant),
                         scratch_volume("cache", "10Gi"), memory_volume("tmp", "64Mi")});
  if (!has_bucket(tenant)) {
    volumes.push_back(claim_volume("media", media_claim(tenant)));
    spec["affinity"] = beside_files(tenant);
  }
  std::size_t index = 0;
  for (const json& secret : tenant.backup_seen.secrets) {
    json volume = secret_volume(volume_of(index++), string_at(secret, "name"));
    volume["secret"]["optional"] = true;  // the run tells what is missing, a pod would only wait
    volumes.push_back(std::move(volume));
  }
  if (!backup.client_key_secret.empty()) {
    volumes.push_back(secret_volume("client", backup.client_key_secret));
  }
  for (json& one : repository_volumes(tenant, backup.repository)) volumes.push_back(std::move(one));
  return {{"metadata", {{"labels", labels(tenant, kBackup)}}}, {"spec", spec}};
}

Manifest cron_job(const Tenant& tenant) {
  const api::Backup& backup = *tenant.spec.backup;
  const json futile = {
      {"action", "FailJob"},
      {"onExitCodes",
       {{"containerName", "backup"}, {"operator", "In"}, {"values", json::array({kFutile})}}}};
  const json job = {{"backoffLimit", kRetries},
                    {"podFailurePolicy", {{"rules", json::array({futile})}}},
                    {"activeDeadlineSeconds", kDeadlineSeconds},
                    {"template", pod(tenant)}};
  json spec = {
      {"schedule", backup.schedule},
      {"suspend", backup.suspended || tenant.spec.hibernated},
      {"concurrencyPolicy", "Forbid"},
      {"startingDeadlineSeconds", kLatestStartSeconds},
      {"successfulJobsHistoryLimit", 2},
      {"failedJobsHistoryLimit", 2},
      {"jobTemplate", {{"metadata", {{"labels", labels(tenant, kBackup)}}}, {"spec", job}}}};
  if (!backup.time_zone.empty()) spec["timeZone"] = backup.time_zone;
  return {{"apiVersion", "batch/v1"},
          {"kind", "CronJob"},
          {"metadata", metadata(tenant, kBackup, backup_name(tenant))},
          {"spec", spec}};
}

}  // namespace

std::string backup_name(const Tenant& tenant) { return tenant.name + "-backup"; }

std::vector<std::string> other_roles(const Tenant& tenant) {
  std::vector<std::string> roles;
  if (has_external_database(tenant)) return roles;
  if (has_mas(tenant)) roles.emplace_back(kMasRole);
  for (const api::Bridge& bridge : live_bridges(tenant)) {
    if (has_database(bridge)) roles.push_back(bridge_role(bridge));
  }
  return roles;
}

bool has_backup(const Tenant& tenant) {
  return tenant.spec.backup.has_value() && !tenant.images.backup.empty();
}

bool can_back_up(const Tenant& tenant) {
  return has_backup(tenant) && !tenant.login.role.empty() && tenant.backup_seen.problem.empty();
}

Manifests backup(const Tenant& tenant) {
  if (!can_back_up(tenant)) return {};
  return {config_map(tenant, kBackup, backup_name(tenant), files(tenant)), cron_job(tenant)};
}

}  // namespace alphorn::manifests
