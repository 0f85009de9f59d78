#include "backups/reconciler.hpp"

#include <map>

#include "homeserver/status.hpp"
#include "manifests/backup.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::backups {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds kUntilCacheShowsOwnWrites = 50ms;
constexpr std::chrono::milliseconds kUntilCacheIsFilled = 1s;

homeserver::ObjectPtr seen(const controller::ObjectPtr& object) {
  return {object->resource_version(), [object] { return object->read(); }};
}

const kube::Kind& kind_named(const std::string& name) {
  if (name == kube::kinds::kJob.name) return kube::kinds::kJob;
  return name == api::kHomeserverRestore ? homeserver::kHomeserverRestore
                                         : homeserver::kHomeserverBackup;
}

json subject_of(const api::HomeserverRun& run) {
  return {{"apiVersion", kind_named(run.kind).api_version()},
          {"kind", run.kind},
          {"metadata", {{"name", run.name}, {"namespace", run.ns}, {"uid", run.uid}}}};
}

std::string component_of(const homeserver::ObjectPtr& object) {
  return manifests::label_of(*object, "app.kubernetes.io/component");
}

/// Jobs and pods say of which sort they are by their component.
void gather(const homeserver::Cache& cache, const kube::Key& key, World& world) {
  const std::map<std::string, Line*> lines{{manifests::kBackup, &world.backups},
                                           {manifests::kDrill, &world.drills}};
  const auto each = [&](const kube::Kind& kind, auto&& put) {
    for (const auto& cached : cache.of_backups(kind, key)) {
      const homeserver::ObjectPtr object = seen(cached);
      put(*lines.at(component_of(object)), object);
    }
  };
  each(kube::kinds::kCronJob, [](Line& line, const auto& object) { line.cron_job = object; });
  each(kube::kinds::kJob, [](Line& line, const auto& object) { line.jobs.push_back(object); });
  each(kube::kinds::kPod, [](Line& line, const auto& object) { line.pods.push_back(object); });
}

}  // namespace

controller::Outcome Reconciler::reconcile(const kube::Key& key, std::stop_token stop) {
  const auto store_of = [this, &key](const kube::Kind& kind) {
    return parts_.cache.serves(kind, key.ns) ? parts_.cache.store_of(kind, key.ns) : nullptr;
  };
  for (const kube::Kind& kind : {homeserver::kHomeserverBackup, homeserver::kHomeserverRestore}) {
    if (!parts_.cache.serves(kind, key.ns)) return controller::Outcome::done();
  }
  if (!parts_.cache.is_filled(key.ns)) return controller::Outcome::again_in(kUntilCacheIsFilled);
  if (!written_.caught_up(key, store_of)) {
    return controller::Outcome::again_in(kUntilCacheShowsOwnWrites);
  }
  const World world = observe(key);
  try {
    execute(make_plan(world), world, stop);
  } catch (const kube::ApiError& error) {
    // Somebody was quicker: the next pass sees what is there now.
    if (!error.is_conflict() && !error.is_not_found()) throw;
    return controller::Outcome::again_in(kUntilCacheShowsOwnWrites);
  }
  return controller::Outcome::done();  // whatever it waits for is watched
}

World Reconciler::observe(const kube::Key& key) const {
  World world{.ns = key.ns, .homeserver = key.name};
  world.seen_at = std::chrono::system_clock::now();
  if (const controller::ObjectPtr object = parts_.cache.tenant(key)) {
    const json tenant = object->read();
    world.is_there = true;  // also one that goes, which may ask for a last backup
    world.is_hibernated = at_path(tenant, "spec/hibernated") == true;
    world.setup = homeserver::reported(at_path(tenant, "status"), "BackupReady").message;
  }
  world.backups = {.kind = api::kHomeserverBackup,
                   .runs = parts_.cache.runs_of(homeserver::kHomeserverBackup, key)};
  world.drills = {.kind = api::kHomeserverRestore,
                  .runs = parts_.cache.runs_of(homeserver::kHomeserverRestore, key)};
  gather(parts_.cache, key, world);
  return world;
}

void Reconciler::execute(const Plan& plan, const World& world, const std::stop_token& stop) {
  const kube::Key key{.ns = world.ns, .name = world.homeserver};
  for (const json& manifest : plan.create) create(manifest, key, stop);
  for (const Telling& telling : plan.tell) tell(telling, key, stop);
  for (const api::HomeserverRun& run : plan.remove) {
    parts_.client.remove({kind_named(run.kind), run.ns, run.name},
                         {.uid = run.uid, .resource_version = {}}, stop);
  }
}

/// Made anew or not at all: what is there already is not changed.
void Reconciler::create(const json& manifest, const kube::Key& key, const std::stop_token& stop) {
  const kube::Kind& kind = kind_named(string_at(manifest, "kind"));
  written_.record(
      key, kind,
      parts_.client.apply(kind, manifest,
                          {.field_manager = manifests::kFieldManager, .only_create = true}, stop));
}

void Reconciler::tell(const Telling& telling, const kube::Key& key, const std::stop_token& stop) {
  json object = subject_of(telling.run);
  object["status"] = telling.status;
  const kube::Kind& kind = kind_named(telling.run.kind);
  written_.record(key, kind,
                  parts_.client.apply(kind, object,
                                      {.field_manager = manifests::kStatusManager,
                                       .force = kube::Force::yes,
                                       .subresource = "status"},
                                      stop));
  const std::string phase = string_at(telling.status, "phase");
  if (phase == string_at(telling.run.status, "phase")) return;
  using Type = controller::EventRecorder::Type;
  const bool is_failure = phase == "Failed";
  const std::string reason = string_at(telling.status, "reason");
  parts_.events.record(subject_of(telling.run), is_failure ? Type::warning : Type::normal,
                       is_failure && !reason.empty() ? reason : phase, "Backup",
                       string_at(telling.status, "message"));
}

}  // namespace alphorn::backups
