#include "homeserver/erasure.hpp"

#include <algorithm>
#include <set>

#include "homeserver/database.hpp"
#include "manifests/backup.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

constexpr std::size_t kUniqueEnough = 8;  // of a uid
const std::set<std::string> kWorkloads{"CronJob", "Deployment", "Job", "StatefulSet"};

bool is_ours(const std::string& finalizer) { return finalizer == api::kEraseFinalizer; }

/// What else is in the repository of backups stays, and so does what opens it.
bool opens_backups(const json& object, const World& world) {
  return child_id(object) ==
         ChildId{.kind = "Secret", .name = manifests::backup_name(world.tenant)};
}

/// A run that a HomeserverBackup or a HomeserverRestore owns, which stays.
bool is_run_of_backup(const json& object) {
  return !manifests::label_of(object, manifests::kBackupLabel).empty();
}

/// Ours, or orphaned by `kubectl delete --cascade=orphan`: it must stop all the same.
bool is_tenants_own(const json& object, const World& world) {
  const std::string owner = controller_uid(object);
  return owner.empty() || owner == world.tenant.uid || is_run_of_backup(object);
}

void wait_for(Rest& rest, const json& object) {
  rest.waits_for += (rest.waits_for.empty() ? "" : ", ") + child_id(object).display();
}

Rest running(const World& world) {
  Rest rest;
  for (const auto& [id, object] : world.children) {
    if (!kWorkloads.contains(id.kind) || !is_tenants_own(*object, world)) continue;
    wait_for(rest, *object);
    if (!is_going(*object)) rest.steps.emplace_back(deletion_of(*object));
  }
  for (const ObjectPtr& pod : world.pods) wait_for(rest, *pod);
  return rest;
}

Rest kept(const World& world, const char* kind) {
  Rest rest;
  for (const auto& [id, object] : world.children) {
    if (id.kind != kind || !is_kept(*object) || !is_tenants_own(*object, world)) continue;
    if (opens_backups(*object, world)) continue;
    wait_for(rest, *object);
    if (!is_going(*object)) rest.steps.emplace_back(Erase{deletion_of(*object)});
  }
  return rest;
}

}  // namespace

std::optional<LastBackup> last_backup_of(const World& world) {
  if (world.tenant.spec.deletion_policy != api::DeletionPolicy::final_backup) return std::nullopt;
  const std::string name =
      world.tenant.name + "-final-" + world.tenant.uid.substr(0, kUniqueEnough);
  LastBackup last{.manifest = {{"apiVersion", std::string{api::kGroup} + "/" + api::kVersion},
                               {"kind", api::kHomeserverBackup},
                               {"metadata", {{"name", name}, {"namespace", world.tenant.ns}}},
                               {"spec", {{"homeserverRef", {{"name", world.tenant.name}}}}}},
                  .waits_for = "HomeserverBackup " + name};
  for (const api::HomeserverRun& run : world.backups) {
    if (run.name != name) continue;
    const std::string phase = string_at(run.status, "phase");
    if (phase == "Complete") return std::nullopt;
    last.is_there = true;
    const std::string message = string_at(run.status, "message");
    if (!message.empty()) last.waits_for += ": " + message;
    if (phase == "Failed") {
      last.waits_for +=
          "; it failed: delete it to have it tried again, or change spec.deletionPolicy";
    }
  }
  return last;
}

std::vector<std::string> other_finalizers(const api::CompanyHomeserver& resource) {
  std::vector<std::string> others = resource.finalizers;
  std::erase_if(others, is_ours);
  return others;
}

std::optional<std::vector<std::string>> wanted_finalizers(const api::CompanyHomeserver& resource) {
  const auto& present = resource.finalizers;
  const bool has = std::any_of(present.begin(), present.end(), is_ours);
  if (resource.spec.deletion_policy == api::DeletionPolicy::retain) {
    if (!has) return std::nullopt;
    return other_finalizers(resource);  // also while paused: what is kept needs nobody's permission
  }
  // None can be added to what is being deleted already.
  if (has || resource.deleting || resource.spec.paused) return std::nullopt;
  std::vector<std::string> more = present;
  more.emplace_back(api::kEraseFinalizer);
  return more;
}

Rest rest_of(const World& world) {
  if (Rest rest = running(world); !rest.waits_for.empty()) return rest;
  for (const char* data : {kDatabaseCluster, "PersistentVolumeClaim"}) {
    if (Rest rest = kept(world, data); !rest.waits_for.empty()) return rest;
  }
  return kept(world, "Secret");
}

}  // namespace alphorn::homeserver
