#include "homeserver/workers.hpp"

#include <algorithm>

#include "homeserver/readiness.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"

namespace alphorn::homeserver {

namespace {

std::string label_of(const json& object, const char* label) {
  const json& labels = at_path(object, "metadata/labels");
  return labels.is_object() ? labels.value(label, "") : "";
}

Readiness set_ready(const World& world, const std::string& name) {
  if (world.tenant.spec.hibernated) return hibernation_of(world, "StatefulSet", name);
  return stateful_set_ready(world, name);
}

}  // namespace

bool is_worker(const json& object) {
  return label_of(object, "app.kubernetes.io/name") == manifests::kWorker;
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

std::vector<std::string> worker_workloads(const manifests::Tenant& tenant) {
  std::vector<std::string> names;
  for (const manifests::WorkerSet& set : manifests::worker_sets(tenant)) names.push_back(set.name);
  return names;
}

bool is_former_worker(const World& world, const json& object) {
  return is_worker(object) &&
         label_of(object, manifests::kWorkerLayout) != manifests::layout_of(world.tenant);
}

std::optional<Readiness> former_workers(const World& world) {
  const bool sets =
      std::any_of(world.children.begin(), world.children.end(), [&](const auto& child) {
        return child.first.kind == "StatefulSet" && is_former_worker(world, *child.second);
      });
  const bool pods = std::any_of(world.pods.begin(), world.pods.end(), [&](const ObjectPtr& pod) {
    return is_former_worker(world, *pod);
  });
  if (!sets && !pods) return std::nullopt;
  return not_ready("Stopping",
                   "the workers of before are being stopped: what they write is written by others "
                   "from now on");
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
