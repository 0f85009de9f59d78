#include "homeserver/workers.hpp"

#include <algorithm>
#include <sstream>

#include "homeserver/readiness.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"

namespace alphorn::homeserver {

namespace {

/// 1.163 is the oldest release that knows every stream, and every file with a secret, that workers
/// are told of here.
bool knows_workers(const std::string& version) {
  constexpr int kOldestMinor = 163;
  int major = 0;
  int minor = 0;
  char dot = 0;
  std::istringstream text{version};
  text >> major >> dot >> minor;
  return major > 1 || (major == 1 && minor >= kOldestMinor);
}

/// A set of workers, or a pod of one, that belongs to another layout than this one: it may write
/// what somebody else is about to write.
bool is_former_worker(const json& object, const std::string& layout) {
  return is_worker(object) && manifests::label_of(object, manifests::kWorkerLayout) != layout;
}

Readiness set_ready(const World& world, const std::string& name) {
  if (world.tenant.spec.hibernated) return hibernation_of(world, "StatefulSet", name);
  return stateful_set_ready(world, name);
}

}  // namespace

bool is_worker(const json& object) {
  return manifests::label_of(object, "app.kubernetes.io/name") == manifests::kWorker;
}

Readiness redis_ready(const World& world) {
  return set_ready(world, manifests::redis_name(world.tenant));
}

Readiness workers_ready(const World& world) {
  Readiness last = kReady;
  for (const std::string& name : worker_workloads(world.tenant)) {
    last = set_ready(world, name);
    if (!last.ready && last != kHibernated) return last;
  }
  return last;
}

void observe_workers(World& world) {
  manifests::Tenant& tenant = world.tenant;
  const json* keys = world.child("Secret", manifests::worker_keys(tenant));
  tenant.worker_keys_seen = keys == nullptr ? "" : string_at(*keys, "metadata/uid");
  tenant.workers_seen = 0;
  for (const auto& [id, object] : world.children) {
    if (id.kind != "StatefulSet" || !is_worker(*object)) continue;
    tenant.workers_seen += static_cast<int>(integer_at(*object, "spec/replicas"));
  }
}

std::vector<std::string> worker_workloads(const manifests::Tenant& tenant) {
  std::vector<std::string> names;
  for (const manifests::WorkerSet& set : manifests::worker_sets(tenant)) names.push_back(set.name);
  return names;
}

bool must_stop(const World& world, const json& set) {
  if (is_worker(set) && is_former_worker(set, manifests::layout_of(world.tenant))) return true;
  if (!world.tenant.spec.hibernated) return false;
  const std::string name = string_at(set, "metadata/name");
  const std::vector<std::string> wanted = worker_workloads(world.tenant);
  if (is_worker(set)) return std::find(wanted.begin(), wanted.end(), name) == wanted.end();
  return name == manifests::redis_name(world.tenant) && !manifests::has_workers(world.tenant);
}

std::optional<Readiness> obstacle_of_workers(const World& world) {
  const manifests::Tenant& tenant = world.tenant;
  if (manifests::has_workers(tenant) && !knows_workers(tenant.version)) {
    return not_ready("ReleaseTooOld",
                     "several processes need Synapse 1.163 or newer, and this is " +
                         tenant.version + ": take a newer one, or \"size: small\" and no workers");
  }
  const std::string layout = manifests::layout_of(tenant);
  const auto pod = std::find_if(world.pods.begin(), world.pods.end(), [&](const ObjectPtr& one) {
    return is_former_worker(*one, layout);
  });
  if (pod != world.pods.end()) {
    return not_ready("Stopping", "pod " + string_at(**pod, "metadata/name") +
                                     " of the workers of before is being stopped: what it writes "
                                     "is written by others from now on");
  }
  const auto set =
      std::find_if(world.children.begin(), world.children.end(), [&](const auto& child) {
        return child.first.kind == "StatefulSet" && is_former_worker(*child.second, layout);
      });
  if (set == world.children.end()) return std::nullopt;
  return not_ready("Stopping", "StatefulSet " + set->first.name +
                                   " of the workers of before is being deleted: what they write "
                                   "is written by others from now on");
}

bool workers_are_gone(const World& world) {
  const bool pods = std::any_of(world.pods.begin(), world.pods.end(),
                                [](const ObjectPtr& pod) { return is_worker(*pod); });
  const std::vector<std::string> names = worker_workloads(world.tenant);
  return !pods && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return is_gone(world, "StatefulSet", name);
  });
}

bool media_rolled_out(const World& world) {
  for (const manifests::WorkerSet& set : manifests::worker_sets(world.tenant)) {
    if (set.role == api::WorkerRole::media) return stateful_set_ready(world, set.name).ready;
  }
  return homeserver_rolled_out(world);
}

}  // namespace alphorn::homeserver
