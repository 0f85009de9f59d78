#include "backups/plan.hpp"

#include <algorithm>
#include <set>

#include "api/company_homeserver.hpp"
#include "backups/runs.hpp"
#include "homeserver/plan.hpp"
#include "homeserver/status.hpp"
#include "manifests/backup.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::backups {
namespace {

using api::HomeserverRun;

constexpr std::size_t kFailuresKept = 10;
constexpr std::size_t kDrillsKept = 10;
constexpr int kJobStaysSeconds = 24 * 3600;
constexpr const char* kComplete = "Complete";
constexpr const char* kFailed = "Failed";

std::string api_version() { return std::string{api::kGroup} + "/" + api::kVersion; }

std::string phase_of(const HomeserverRun& run) { return string_at(run.status, "phase"); }

bool is_over(const HomeserverRun& run) {
  return phase_of(run) == kComplete || phase_of(run) == kFailed;
}

std::string end_of(const HomeserverRun& run) { return string_at(run.status, "finishedAt"); }

std::string job_of(const HomeserverRun& run) { return run.job.empty() ? run.name : run.job; }

/// Of a Job that was asked for by hand, by whom; "" for one of the schedule.
std::string asked_by(const json& job) { return manifests::label_of(job, manifests::kBackupLabel); }

/// Of one sort of runs.
class Planning {
 public:
  Planning(const World& world, const Line& line, Plan& plan)
      : world_(world), line_(line), plan_(plan) {}

  void operator()() {
    for (const homeserver::ObjectPtr& job : line_.jobs) note_scheduled(*job);
    for (const HomeserverRun& run : line_.runs) {
      if (!run.deleting && !is_over(run)) follow(run);
    }
    forget_beyond(kFailed, kFailuresKept);
    if (is_drill()) forget_beyond(kComplete, kDrillsKept);
  }

 private:
  bool is_drill() const { return line_.kind == api::kHomeserverRestore; }

  const json* find_job(const std::string& name) const {
    for (const homeserver::ObjectPtr& job : line_.jobs) {
      if (string_at(*job, "metadata/name") == name) return job.get();
    }
    return nullptr;
  }

  bool is_known(const std::string& name) const {
    return std::any_of(line_.runs.begin(), line_.runs.end(),
                       [&](const HomeserverRun& run) { return run.name == name; });
  }

  /// One that ended before another that is known was known once, and forgotten with its set.
  bool is_news(const json& job) const {
    if (!has_ended(job)) return true;
    const std::string end = ended_at(job);
    return std::none_of(line_.runs.begin(), line_.runs.end(),
                        [&](const HomeserverRun& run) { return end_of(run) >= end; });
  }

  void note_scheduled(const json& job) {
    const std::string name = string_at(job, "metadata/name");
    if (!asked_by(job).empty() || homeserver::is_going(job) || is_known(name) || !is_news(job)) {
      return;
    }
    json spec = {{"homeserverRef", {{"name", world_.homeserver}}}, {"jobRef", {{"name", name}}}};
    if (is_drill()) spec["mode"] = "drill";
    plan_.create.push_back({{"apiVersion", api_version()},
                            {"kind", line_.kind},
                            {"metadata", {{"name", name}, {"namespace", world_.ns}}},
                            {"spec", std::move(spec)}});
  }

  void follow(const HomeserverRun& run) {
    const json* job = find_job(job_of(run));
    if (job == nullptr) return without_job(run);
    if (run.job.empty() && asked_by(*job) != run.name) {
      return pend(run, "ObjectNotOurs",
                  "Job " + job_of(run) + " is of something else: take another name");
    }
    json status = status_of_run(*job, line_.pods, run);
    if (string_at(status, "phase") == kComplete) {
      if (is_drill()) {
        verify(string_at(status, "set"), string_at(status, "finishedAt"));
      } else {
        forget_gone(run, *job);
      }
    }
    tell(run, std::move(status));
  }

  void without_job(const HomeserverRun& run) {
    if (!run.job.empty() || phase_of(run) == "Running") {
      return fail(run, "JobGone", "the Job " + job_of(run) + " is gone before it was over");
    }
    if (const auto [reason, message] = hindrance(); !reason.empty()) {
      return pend(run, reason, message);
    }
    plan_.create.push_back(job_for(run));
    pend(run, "Starting", "its Job is made");
    is_busy_ = true;
  }

  std::pair<std::string, std::string> hindrance() const {
    const std::string who = "CompanyHomeserver " + world_.homeserver;
    if (!world_.is_there) {
      return {"HomeserverMissing", who + " is not in this namespace"};
    }
    if (world_.is_hibernated && !is_drill()) {
      return {"Hibernated", "waits until spec.hibernated of " + who + " is false"};
    }
    if (!line_.cron_job) {
      return {"BackupNotReady",
              who + " makes no backups: " +
                  (world_.setup.empty() ? "it has no spec.backup" : world_.setup)};
    }
    const bool is_busy = std::any_of(line_.jobs.begin(), line_.jobs.end(),
                                     [](const auto& job) { return !has_ended(*job); });
    if (is_busy || is_busy_) return {"Waiting", "waits until another one is over"};
    return {};
  }

  /// As the schedule would make it, at once, and of the set that is asked for.
  json job_for(const HomeserverRun& run) const {
    const json& model = at_path(**line_.cron_job, "spec/jobTemplate");
    json spec = at_path(model, "spec");
    spec["ttlSecondsAfterFinished"] = kJobStaysSeconds;
    json& pod = spec["template"];
    if (is_drill()) {
      pod["metadata"]["annotations"][manifests::kSetWanted] = run.set;
    } else {
      pod["spec"]["containers"][0]["env"].push_back({{"name", "NO_JITTER"}, {"value", "1"}});
    }
    json labels = at_path(model, "metadata/labels");
    labels[manifests::kBackupLabel] = run.name;
    json metadata = {{"name", job_of(run)}, {"namespace", world_.ns}, {"labels", labels}};
    metadata["ownerReferences"] = json::array({{{"apiVersion", api_version()},
                                                {"kind", line_.kind},
                                                {"name", run.name},
                                                {"uid", run.uid},
                                                {"controller", true},
                                                {"blockOwnerDeletion", false}}});
    return {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", metadata}, {"spec", spec}};
  }

  /// Those whose sets the repository no longer has, by what the newest run saw there.
  void forget_gone(const HomeserverRun& newest, const json& job) {
    const std::set<std::string> sets = sets_after(job, line_.pods);
    if (sets.empty()) return;
    for (const HomeserverRun& run : line_.runs) {
      if (run.name == newest.name || run.deleting || phase_of(run) != kComplete) continue;
      if (!sets.contains(string_at(run.status, "set"))) plan_.remove.push_back(run);
    }
  }

  /// The backup that a drill restored is proven.
  void verify(const std::string& set, const std::string& when) {
    for (const HomeserverRun& backup : world_.backups.runs) {
      if (set.empty() || backup.deleting || string_at(backup.status, "set") != set) continue;
      json status = backup.status;
      status["verifiedAt"] = when;
      plan_.tell.push_back({backup, std::move(status)});
    }
  }

  void forget_beyond(const char* phase, std::size_t kept) {
    std::vector<const HomeserverRun*> over;
    for (const HomeserverRun& run : line_.runs) {
      if (phase_of(run) == phase && !run.deleting) over.push_back(&run);
    }
    std::sort(over.begin(), over.end(),
              [](const auto* one, const auto* other) { return end_of(*one) > end_of(*other); });
    for (std::size_t place = kept; place < over.size(); ++place) {
      plan_.remove.push_back(*over[place]);
    }
  }

  void pend(const HomeserverRun& run, const std::string& reason, const std::string& message) {
    tell(run, {{"phase", "Pending"}, {"reason", reason}, {"message", message}});
  }

  void fail(const HomeserverRun& run, const std::string& reason, const std::string& message) {
    tell(run, {{"phase", kFailed},
               {"reason", reason},
               {"message", message},
               {"finishedAt", format_time(world_.seen_at)}});
  }

  void tell(const HomeserverRun& run, json status) {
    status["observedGeneration"] = run.generation;
    if (homeserver::status_differs(status, run.status)) {
      plan_.tell.push_back({run, std::move(status)});
    }
  }

  const World& world_;
  const Line& line_;
  Plan& plan_;
  bool is_busy_ = false;
};

}  // namespace

Plan make_plan(const World& world) {
  Plan plan;
  Planning{world, world.backups, plan}();
  Planning{world, world.drills, plan}();
  return plan;
}

}  // namespace alphorn::backups
