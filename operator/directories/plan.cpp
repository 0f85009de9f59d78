#include "directories/plan.hpp"

#include <algorithm>

#include "manifests/vocabulary.hpp"

namespace alphorn::directories {
namespace {

using homeserver::ChildId;
using homeserver::ObjectPtr;

bool has_ended(const json& job) {
  return !homeserver::end_of(job, "Complete").is_null() ||
         !homeserver::end_of(job, "Failed").is_null();
}

std::string document_of(const json& object) {
  return manifests::annotation_of(object, manifests::kDocument);
}

/// Why nothing can be made at all; the homeserver or the document is missing.
std::optional<Obstacle> foundation_problem(const World& world) {
  const std::string homeserver = "CompanyHomeserver " + world.resource.homeserver;
  if (!world.tenant) {
    return Obstacle{.reason = "HomeserverMissing",
                    .message = homeserver + " is not in this namespace, or is being deleted",
                    .is_for_people = true};
  }
  if (!world.elder.empty()) {
    return Obstacle{.reason = "HomeserverTaken",
                    .message = homeserver + " has the CompanyDirectory " + world.elder +
                               " already: whom one of two names would be a leaver to the other",
                    .is_for_people = true};
  }
  if (manifests::has_mas(*world.tenant)) {
    return Obstacle{.reason = "AccountsByMas",
                    .message = "accounts of " + homeserver +
                               " are kept by Matrix Authentication Service, which is not supported",
                    .is_for_people = true};
  }
  if (world.document_problem) return world.document_problem;
  if (world.directory && world.directory->image.empty()) {
    return Obstacle{.reason = "NoImage",
                    .message = "the operator's configuration has no images.provisioner",
                    .is_for_people = true};
  }
  return std::nullopt;
}

/// Why no run may begin now.
std::optional<Obstacle> pause(const World& world) {
  if (world.resource.suspended) {
    return Obstacle{.reason = "Suspended", .message = "spec.suspend is true: no run begins"};
  }
  if (!world.homeserver_is_ready) {
    return Obstacle{.reason = "HomeserverNotReady",
                    .message = "waits until CompanyHomeserver " + world.resource.homeserver +
                               " is ready: " + world.homeserver_says};
  }
  if (!world.network_is_ready) {
    return Obstacle{.reason = "NetworkNotReady",
                    .message = "waits for the NetworkPolicy over its pods"};
  }
  return std::nullopt;
}

/// Somebody else's object of that name, or one that goes.
std::optional<Obstacle> hindrance(const World& world, const json& wanted) {
  const ChildId id = homeserver::child_id(wanted);
  const json* actual = world.child(id.kind, id.name);
  if (actual == nullptr) return std::nullopt;
  if (homeserver::is_going(*actual)) {
    return Obstacle{
        .reason = "ObjectGoing",
        .message = id.display() + " is being deleted; it is made again once it is gone"};
  }
  const std::string owner = homeserver::controller_uid(*actual);
  if (owner.empty() || owner == world.resource.uid) return std::nullopt;
  return Obstacle{.reason = "ObjectNotOurs",
                  .message = id.display() + " belongs to another owner (uid " + owner +
                             "); remove it or wait until it is gone"};
}

class Planning {
 public:
  explicit Planning(const World& world) : world_(world) {}

  Plan operator()() {
    plan_.obstacle = foundation_problem(world_);
    if (plan_.obstacle) {
      stop_schedule();
      return std::move(plan_);
    }
    plan_.obstacle = pause(world_);
    const manifests::Tenant& tenant = *world_.tenant;
    manifests::Directory directory = *world_.directory;
    // One run at a time: the schedule waits while the document's own run is due.
    directory.is_suspended =
        world_.resource.suspended || tenant.spec.hibernated || wants_run(world_);
    wish(manifests::directory_state(tenant, directory));
    wish(manifests::directory_files(tenant, directory));
    wish(manifests::directory_runs(tenant, directory));
    if (wants_run(world_)) begin_run(tenant, directory);
    clean_up(directory);
    return std::move(plan_);
  }

 private:
  void wish(json manifest) {
    if (const auto problem = hindrance(world_, manifest)) {
      plan_.obstacle = problem;
      return;
    }
    const ChildId id = homeserver::child_id(manifest);
    const json* actual = world_.child(id.kind, id.name);
    json wanted = homeserver::stamped(std::move(manifest));
    if (actual == nullptr || homeserver::differs(wanted, *actual)) {
      plan_.apply.push_back(std::move(wanted));
    }
  }

  /// A Job cannot be changed: one that is there goes on as it began.
  void begin_run(const manifests::Tenant& tenant, const manifests::Directory& directory) {
    const json wanted = manifests::directory_run(tenant, directory);
    if (const auto problem = hindrance(world_, wanted)) {
      plan_.obstacle = problem;
      return;
    }
    if (plan_.obstacle || world_.child("Job", manifests::directory_job(directory)) != nullptr) {
      return;
    }
    if (runs_under_way(world_).empty()) plan_.apply.push_back(homeserver::stamped(wanted));
  }

  /// Nothing begins by a document that is not there. Of a server that goes the runs go as well:
  /// they would hold up the claim, which may have to go with its data.
  void stop_schedule() {
    for (const auto& [id, object] : world_.children) {
      if (id.kind == "CronJob" || (id.kind == "Job" && !world_.tenant)) remove(*object);
    }
  }

  /// Former documents and their runs, once these are over.
  void clean_up(const manifests::Directory& directory) {
    std::vector<std::string> in_use{directory.fingerprint};
    for (const auto& [id, object] : world_.children) {
      if (id.kind == "Job" && !has_ended(*object)) {
        in_use.push_back(document_of(*object));
      }
    }
    for (const auto& [id, object] : world_.children) {
      if (id.kind != "Job" && id.kind != "Secret") continue;
      const std::string document = document_of(*object);
      if (std::find(in_use.begin(), in_use.end(), document) == in_use.end()) remove(*object);
    }
  }

  void remove(const json& object) {
    const bool is_ours = homeserver::controller_uid(object) == world_.resource.uid;
    if (is_ours && !homeserver::is_going(object)) {
      plan_.remove.push_back(homeserver::deletion_of(object));
    }
  }

  const World& world_;
  Plan plan_;
};

/// The summary in a container's last words; what is none stands for a run that broke off.
json summary_in(const std::string& words, const json& terminated) {
  json summary = json::parse(words, nullptr, /*allow_exceptions=*/false);
  if (summary.is_object() && summary.contains("result")) return summary;
  std::string error = string_at(terminated, "reason");
  if (!words.empty()) error += ": " + words;
  return {{"result", integer_at(terminated, "exitCode") == 0 ? "done" : "failed"},
          {"error", error}};
}

std::string job_of(const json& pod) {
  return manifests::label_of(pod, "batch.kubernetes.io/job-name");
}

/// The kubelet's own text counts attempts: it would never be the same twice.
std::string trouble_of(const json& container) {
  const std::string reason = string_at(container, "state/waiting/reason");
  if (reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing") return "";
  if (reason == "ErrImagePull" || reason == "ImagePullBackOff" || reason == "ErrImageNeverPull") {
    return "image " + string_at(container, "image") + " cannot be pulled";
  }
  return reason + "; see kubectl describe pod";
}

std::optional<LastRun> run_of(const json& pod) {
  for (const json& status : at_path(pod, "status/containerStatuses")) {
    const json& terminated = at_path(status, "state/terminated");
    if (!terminated.is_object()) continue;
    return LastRun{.job = job_of(pod),
                   .document = document_of(pod),
                   .finished_at = string_at(terminated, "finishedAt"),
                   .summary = summary_in(string_at(terminated, "message"), terminated)};
  }
  return std::nullopt;
}

/// A Job whose pods were taken away, as when its time was over.
std::optional<LastRun> failure_of(const json& job) {
  const json& end = homeserver::end_of(job, "Failed");
  if (end.is_null()) return std::nullopt;
  return LastRun{
      .job = string_at(job, "metadata/name"),
      .document = document_of(job),
      .finished_at = string_at(end, "lastTransitionTime"),
      .summary = {{"result", "failed"},
                  {"error", string_at(end, "reason") + ": " + string_at(end, "message")}}};
}

/// One of its pods ended, and is still there.
bool has_told(const World& world, const std::string& job) {
  return std::any_of(world.pods.begin(), world.pods.end(), [&](const ObjectPtr& pod) {
    const auto run = run_of(*pod);
    return run && run->job == job;
  });
}

std::optional<LastRun> remembered(const World& world) {
  const json& told = at_path(world.resource.status, "lastRun");
  if (!told.is_object()) return std::nullopt;
  return LastRun{.job = string_at(told, "job"),
                 .document = string_at(told, "document"),
                 .finished_at = string_at(told, "finishedAt"),
                 .summary = {}};
}

}  // namespace

std::vector<std::string> runs_under_way(const World& world) {
  std::vector<std::string> names;
  for (const auto& [id, object] : world.children) {
    if (id.kind == "Job" && !has_ended(*object)) names.push_back(id.name);
  }
  return names;
}

std::string hold_up_of(const World& world, const std::string& job) {
  for (const ObjectPtr& pod : world.pods) {
    if (job_of(*pod) != job) continue;
    for (const json& condition : at_path(*pod, "status/conditions")) {
      if (string_at(condition, "type") == "PodScheduled" &&
          string_at(condition, "status") == "False") {
        return string_at(condition, "message");
      }
    }
    for (const json& container : at_path(*pod, "status/containerStatuses")) {
      if (std::string trouble = trouble_of(container); !trouble.empty()) return trouble;
    }
  }
  return "";
}

std::string applied_document(const World& world) {
  if (world.directory) {
    const json* job = world.child("Job", manifests::directory_job(*world.directory));
    if (job != nullptr && !homeserver::is_going(*job) && has_ended(*job)) {
      return world.directory->fingerprint;
    }
  }
  return string_at(world.resource.status, "document");
}

bool wants_run(const World& world) {
  return world.directory && applied_document(world) != world.directory->fingerprint;
}

/// RFC 3339 in UTC and of equal length: texts compare as times do. What the status remembers comes
/// first, so that a run that is seen again is not told anew.
std::optional<LastRun> last_run(const World& world) {
  std::optional<LastRun> last = remembered(world);
  const auto consider = [&](const std::optional<LastRun>& run) {
    if (run && (!last || run->finished_at > last->finished_at)) last = run;
  };
  for (const ObjectPtr& pod : world.pods) consider(run_of(*pod));
  for (const auto& [id, object] : world.children) {
    if (id.kind != "Job" || has_told(world, id.name)) continue;
    if (last && last->job == id.name) continue;
    consider(failure_of(*object));
  }
  return last;
}

Plan make_plan(const World& world) { return Planning{world}(); }

}  // namespace alphorn::directories
