#include "manifests/repository.hpp"

#include "manifests/backup.hpp"
#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kKeys = "/keys/repository";
constexpr const char* kVolume = "/repository";
constexpr const char* kAuthority = "repository-ca.crt";

bool is_on_volume(const api::BackupRepository& repository) {
  return !repository.claim_name.empty();
}

/// Of Amazon's own server restic wants a host all the same.
std::string url_of(const api::BackupRepository& repository) {
  if (is_on_volume(repository)) return kVolume;
  const std::string server = repository.endpoint.empty()
                                 ? "https://s3." + repository.region + ".amazonaws.com"
                                 : repository.endpoint;
  std::string url = "s3:" + server + "/" + repository.bucket + "/" + repository.prefix;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

json items_of(const json& keys) {
  json items = json::array();
  for (const json& key : keys) items.push_back({{"key", key}, {"path", key}});
  return items;
}

}  // namespace

json repository_request(const Tenant& tenant, const api::BackupRepository& repository,
                        const std::string& config) {
  json result = {{"url", url_of(repository)},
                 {"region", repository.region},
                 {"folder", kKeys},
                 {"ca", nullptr}};
  if (!tenant.spec.ca_bundle.empty()) result["ca"] = config + "/" + kAuthority;
  return result;
}

json repository_files(const Tenant& tenant) {
  json result = {
      {"outcome.py", scripts::backup_outcome},       {"bucket.py", scripts::backup_bucket},
      {"repository.py", scripts::backup_repository}, {"database.py", scripts::backup_database},
      {"media.py", scripts::backup_media},           {"homeserver.py", scripts::backup_homeserver},
      {"upkeep.py", scripts::backup_upkeep},         {"make_set.py", scripts::backup_make_set},
      {"fetch_set.py", scripts::backup_fetch_set},   {"fill_set.py", scripts::backup_fill_set},
      {"check_set.py", scripts::backup_check_set}};
  if (!tenant.spec.ca_bundle.empty()) result[kAuthority] = tenant.spec.ca_bundle;
  return result;
}

std::vector<json> repository_mounts(const api::BackupRepository& repository) {
  std::vector<json> mounts{read_only_mount("repository-keys", kKeys)};
  if (is_on_volume(repository)) mounts.push_back(mount("repository", kVolume));
  return mounts;
}

/// The password is the operator's to draw and the key to the bucket the company's to bring: one
/// folder has them all.
std::vector<json> repository_volumes(const Tenant& tenant,
                                     const api::BackupRepository& repository) {
  json sources = json::array(
      {{{"secret", {{"name", backup_name(tenant)}, {"items", items_of({kBackupPassword})}}}}});
  if (!is_on_volume(repository)) {
    sources.push_back({{"secret",
                        {{"name", repository.secret_name},
                         {"items", items_of({"access-key-id", "secret-access-key"})}}}});
  }
  std::vector<json> volumes{projected_volume("repository-keys", sources)};
  if (is_on_volume(repository)) {
    volumes.push_back(claim_volume("repository", repository.claim_name));
  }
  return volumes;
}

json repository_environment(const std::string& cache) {
  return json::array({{{"name", "HOME"}, {"value", "/tmp"}},
                      {{"name", "TMPDIR"}, {"value", cache}},
                      {{"name", "RESTIC_CACHE_DIR"}, {"value", cache}},
                      {{"name", "PYTHONDONTWRITEBYTECODE"}, {"value", "1"}},
                      {{"name", "PYTHONUNBUFFERED"}, {"value", "1"}}});
}

}  // namespace alphorn::manifests
