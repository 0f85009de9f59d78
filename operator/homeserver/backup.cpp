#include "homeserver/backup.hpp"

#include <algorithm>

#include "homeserver/readiness.hpp"
#include "manifests/backup.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

using api::HomeserverRun;
using manifests::Tenant;

/// What kubectl notes for itself says everything once more.
constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

json without(json map, const char* key) {
  if (map.is_object()) map.erase(key);
  return map;
}

json labels_and_annotations(const json& object) {
  json result = json::object();
  if (const json& labels = at_path(object, "metadata/labels"); labels.is_object()) {
    result["labels"] = labels;
  }
  if (json notes = without(at_path(object, "metadata/annotations"), kLastApplied);
      notes.is_object() && !notes.empty()) {
    result["annotations"] = std::move(notes);
  }
  return result;
}

/// As somebody would apply it again.
json resource_of(const json& object) {
  json metadata = labels_and_annotations(object);
  metadata["name"] = string_at(object, "metadata/name");
  return {{"apiVersion", string_at(object, "apiVersion")},
          {"kind", string_at(object, "kind")},
          {"metadata", std::move(metadata)},
          {"spec", at_path(object, "spec")}};
}

/// Keys that outlive the company's server, and whatever the company brings. The repository's own
/// password would lie in the repository for nobody.
bool goes_along(const Tenant& tenant, const json& secret) {
  if (string_at(secret, "metadata/name") == manifests::backup_name(tenant)) return false;
  const bool is_brought =
      manifests::label_of(secret, manifests::kManagedByLabel) != manifests::kManagedBy;
  const bool has_owner = !controller_uid(secret).empty();
  return is_kept(secret) || (is_brought && !has_owner);
}

json secrets_of(const World& world) {
  json secrets = json::array();
  for (const auto& [id, object] : world.children) {
    if (id.kind != "Secret" || !goes_along(world.tenant, *object)) continue;
    json entry = labels_and_annotations(*object);
    entry["name"] = id.name;
    entry["type"] = string_at(*object, "type");
    secrets.push_back(std::move(entry));
  }
  return secrets;
}

std::string problem_with(const World& world, const std::string& name,
                         std::initializer_list<const char*> keys) {
  const json* secret = world.child("Secret", name);
  if (secret == nullptr) return missing_secret(world, name);
  for (const char* key : keys) {
    if (string_at(at_path(*secret, "data"), key).empty()) {
      return "Secret " + name + " has no key \"" + key + "\"";
    }
  }
  return "";
}

std::string problem_of(const World& world) {
  const api::Backup& backup = *world.tenant.spec.backup;
  if (!backup.repository.bucket.empty()) {
    const std::string problem =
        problem_with(world, backup.repository.secret_name, {"access-key-id", "secret-access-key"});
    if (!problem.empty()) return problem;
  }
  if (backup.client_key_secret.empty()) return "";
  return problem_with(world, backup.client_key_secret, {manifests::kBackupPassword});
}

std::string phase_of(const HomeserverRun& backup) { return string_at(backup.status, "phase"); }

std::string end_of(const HomeserverRun& backup) { return string_at(backup.status, "finishedAt"); }

/// The one that ended last in this way; null when there is none. RFC 3339 in UTC compares as time.
const HomeserverRun* newest(const std::vector<HomeserverRun>& runs, const std::string& phase) {
  const HomeserverRun* found = nullptr;
  for (const HomeserverRun& run : runs) {
    if (phase_of(run) != phase) continue;
    if (found == nullptr || end_of(run) > end_of(*found)) found = &run;
  }
  return found;
}

Readiness healthy(std::string reason, std::string message) {
  return {.ready = true, .reason = std::move(reason), .message = std::move(message)};
}

}  // namespace

void observe_backup(World& world, const json& object) {
  Tenant& tenant = world.tenant;
  tenant.backup_seen = {};
  if (!manifests::has_backup(tenant)) return;
  manifests::BackupSeen& seen = tenant.backup_seen;
  seen.resource = resource_of(object);
  seen.secrets = secrets_of(world);
  seen.problem = problem_of(world);
  for (const HomeserverRun& backup : world.backups) {
    const std::string set = string_at(backup.status, "set");
    if (backup.legal_hold && !set.empty()) seen.holds.push_back(set);
  }
  std::sort(seen.holds.begin(), seen.holds.end());
}

bool wants_backup(const Tenant& tenant) { return tenant.spec.backup.has_value(); }

Readiness backup_ready(const World& world) {
  const Tenant& tenant = world.tenant;
  if (tenant.images.backup.empty()) {
    return healthy("NoImage",
                   "no backups: the operator's catalogue names no image (images.backup)");
  }
  if (!tenant.backup_seen.problem.empty()) {
    return healthy("BackupSecretMissing", "no backups: " + tenant.backup_seen.problem);
  }
  const std::string name = manifests::backup_name(tenant);
  if (world.child("CronJob", name) == nullptr) return absent("CronJob", name);
  if (tenant.spec.hibernated) return kHibernated;
  return kReady;
}

Readiness backup_verified(const World& world) {
  const HomeserverRun* good = newest(world.restores, "Complete");
  const HomeserverRun* bad = newest(world.restores, "Failed");
  if (bad != nullptr && (good == nullptr || end_of(*bad) > end_of(*good))) {
    return not_ready("DrillFailed",
                     "HomeserverRestore " + bad->name + ": " + string_at(bad->status, "message"));
  }
  const std::string last = string_at(world.resource.status, "backup/lastVerified");
  if (good == nullptr && last.empty()) {
    return not_ready("NotVerifiedYet",
                     "no backup was proven by a restore yet; the schedule does it, and whoever "
                     "creates a HomeserverRestore with mode drill");
  }
  return healthy("Verified", good == nullptr ? "at " + last : "HomeserverRestore " + good->name);
}

Readiness backup_health(const World& world) {
  const Readiness setup = backup_ready(world);
  if (setup != kReady && setup != kHibernated) return not_ready(setup.reason, setup.message);
  const HomeserverRun* good = newest(world.backups, "Complete");
  const HomeserverRun* bad = newest(world.backups, "Failed");
  if (bad != nullptr && (good == nullptr || end_of(*bad) > end_of(*good))) {
    return not_ready("BackupFailed",
                     "HomeserverBackup " + bad->name + ": " + string_at(bad->status, "message"));
  }
  if (good == nullptr) {
    return not_ready("NoBackupYet",
                     "the first one is made by the schedule; for one at once, "
                     "create a HomeserverBackup");
  }
  if (const std::string upkeep = string_at(good->status, "upkeep"); !upkeep.empty()) {
    return healthy("UpkeepFailed", upkeep);
  }
  return healthy("BackedUp", "HomeserverBackup " + good->name);
}

json backup_status(const World& world) {
  if (!wants_backup(world.tenant)) return json::object();
  json result = json::object();
  // Objects of sets may be gone, as when somebody deleted them: what was told stays true.
  if (const json& known = at_path(world.resource.status, "backup"); known.is_object()) {
    result = known;
  }
  const HomeserverRun* drill = newest(world.restores, "Complete");
  if (drill != nullptr && end_of(*drill) > string_at(result, "lastVerified")) {
    result["lastVerified"] = end_of(*drill);
    for (const char* field : {"recoveryTime", "recoverySeconds"}) {
      const json& value = at_path(drill->status, field);
      if (!value.is_null()) result[field] = value;
    }
  }
  const HomeserverRun* good = newest(world.backups, "Complete");
  if (good == nullptr || end_of(*good) < string_at(result, "lastSuccess")) return result;
  result["lastSet"] = good->name;
  result["lastSuccess"] = end_of(*good);
  for (const char* field : {"size", "bytes", "duration", "seconds", "sets", "oldest"}) {
    if (const json& value = at_path(good->status, field); !value.is_null()) result[field] = value;
  }
  return result;
}

bool is_new_password_of_backup(const World& world, const std::string& secret_name) {
  return secret_name == manifests::backup_name(world.tenant) &&
         string_at(world.resource.status, "backup/lastSuccess").empty();
}

}  // namespace alphorn::homeserver
