#include "homeserver/erasure.hpp"

#include <algorithm>
#include <set>

#include "homeserver/database.hpp"

namespace alphorn::homeserver {

namespace {

const std::set<std::string> kWorkloads{"CronJob", "Deployment", "Job", "StatefulSet"};

bool is_ours(const std::string& finalizer) { return finalizer == api::kEraseFinalizer; }

/// Ours, or orphaned by `kubectl delete --cascade=orphan`: it must stop all the same.
bool is_tenants_own(const json& object, const World& world) {
  const std::string owner = controller_uid(object);
  return owner.empty() || owner == world.tenant.uid;
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
    wait_for(rest, *object);
    if (!is_going(*object)) rest.steps.emplace_back(Erase{deletion_of(*object)});
  }
  return rest;
}

}  // namespace

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
