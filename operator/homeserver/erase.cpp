#include "homeserver/erasure.hpp"
#include "homeserver/reconciler.hpp"
#include "manifests/backup.hpp"
#include "manifests/vocabulary.hpp"

// The half of an erasure that talks to the API server; what is to be done is decided in
// erasure.cpp.
namespace alphorn::homeserver {

namespace {

constexpr std::chrono::milliseconds kUntilSeen{50};
constexpr std::chrono::milliseconds kWhileWaiting{3000};
constexpr const char* kPaused =
    "spec.paused is true: nothing is erased until it is false, or spec.deletionPolicy is Retain";

/// Data or keys that the cache does not show: without their labels, or made a moment ago.
void find(const kube::Client& client, const kube::ObjectRef& reference, const World& world,
          std::stop_token stop, Rest& rest) {
  auto object = client.get(reference, stop);
  if (!object || !is_ours(*object, world.tenant.uid)) return;
  (*object)["kind"] = reference.kind.name;
  rest.waits_for += (rest.waits_for.empty() ? "" : ", ") + child_id(*object).display();
  if (!is_going(*object)) rest.steps.emplace_back(Erase{deletion_of(*object)});
}

}  // namespace

/// The last look before a tenant is let go: the API server itself is asked.
Rest Reconciler::unseen(const World& world, std::stop_token stop) const {
  const manifests::Tenant& tenant = world.tenant;
  Rest rest;
  for (const manifests::Manifest& claim : manifests::volumes(tenant)) {
    find(parts_.client,
         {.kind = kube::kinds::kPersistentVolumeClaim,
          .ns = tenant.ns,
          .name = string_at(claim, "metadata/name")},
         world, stop, rest);
  }
  if (!rest.waits_for.empty()) return rest;
  for (const manifests::SecretRecipe& recipe : manifests::keys(tenant)) {
    if (recipe.name == manifests::backup_name(tenant)) continue;  // it opens what stays
    find(parts_.client, {.kind = kube::kinds::kSecret, .ns = tenant.ns, .name = recipe.name}, world,
         stop, rest);
  }
  return rest;
}

/// Made once; what becomes of it others see to.
Rest Reconciler::make_last_backup(const LastBackup& last, const std::stop_token& stop) const {
  if (!last.is_there) {
    try {
      parts_.client.apply(kHomeserverBackup, last.manifest,
                          {.field_manager = manifests::kFieldManager, .only_create = true}, stop);
    } catch (const kube::ApiError& error) {
      if (!error.is_conflict()) throw;  // the cache does not show it yet
    }
  }
  return {.steps = {}, .waits_for = last.waits_for};
}

controller::Outcome Reconciler::erase(const World& world, std::stop_token stop) {
  Rest rest = rest_of(world);
  const std::optional<LastBackup> last = last_backup_of(world);
  if (world.resource.spec.paused) {
    rest = {.steps = {}, .waits_for = kPaused};
  } else if (last) {
    rest = make_last_backup(*last, stop);
  } else if (rest.waits_for.empty()) {
    rest = unseen(world, stop);
  }
  if (rest.waits_for.empty()) {
    parts_.events.record(subject_of(world), controller::EventRecorder::Type::normal, "Erased",
                         "Reconcile", "data and keys are gone, as spec.deletionPolicy asks for");
    set_finalizers(world, other_finalizers(world.resource), stop);
    forget({.ns = world.resource.ns, .name = world.resource.name});
    return controller::Outcome::done();
  }
  const Failures failures = execute({.components = {}, .clean_up = rest.steps}, world, stop);
  tell(summarize_erasure(world, rest.waits_for, failures, world.seen_at), world, stop);
  if (!failures.empty()) throw std::runtime_error(joined(failures));  // backs off
  return controller::Outcome::again_in(kWhileWaiting);
}

/// Only over what was seen: somebody else's finalizer of this moment is not lost.
controller::Outcome Reconciler::set_finalizers(const World& world,
                                               const std::vector<std::string>& finalizers,
                                               std::stop_token stop) {
  json patch = subject_of(world);
  patch["metadata"]["resourceVersion"] = world.resource.resource_version;
  patch["metadata"]["finalizers"] = finalizers;
  try {
    const kube::RawObject object = parts_.client.merge(kCompanyHomeserver, patch, stop);
    // Of one that goes with its last finalizer, no cache will ever show this version.
    if (!world.resource.deleting) {
      written_.record({.ns = world.resource.ns, .name = world.resource.name}, kCompanyHomeserver,
                      object);
    }
  } catch (const kube::ApiError& error) {
    if (!error.is_conflict() && !error.is_not_found()) throw;
  }
  return controller::Outcome::again_in(kUntilSeen);
}

}  // namespace alphorn::homeserver
