#include "directories/status.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "base/encoding.hpp"

namespace alphorn::directories {
namespace {

constexpr std::size_t kMaxMessage = 1024;
constexpr std::size_t kMaxFailure = 300;

struct Verdict {
  bool is_ready = false;
  std::string reason;
  std::string message;
  bool is_under_way = false;
  bool is_for_people = false;
};

std::string with_unit(double seconds) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << seconds << "s";
  return text.str();
}

/// What of a run is shown; the summary's own words, bounded once more.
json told(const LastRun& run) {
  json result = {{"job", run.job},
                 {"document", run.document},
                 {"finishedAt", run.finished_at},
                 {"result", shortened(string_at(run.summary, "result"), 32)}};
  if (const std::string error = string_at(run.summary, "error"); !error.empty()) {
    result["error"] = shortened(error, kMaxMessage);
  }
  for (const char* number : {"planned", "done", "failed", "requests"}) {
    const json& value = at_path(run.summary, number);
    if (value.is_number_integer()) result[number] = value;
  }
  json failures = json::array();
  for (const json& failure : at_path(run.summary, "failures")) {
    if (failures.size() < 3 && failure.is_string()) {
      failures.push_back(shortened(failure.get<std::string>(), kMaxFailure));
    }
  }
  if (!failures.empty()) result["failures"] = std::move(failures);
  if (const json& seconds = at_path(run.summary, "seconds"); seconds.is_number()) {
    result["duration"] = with_unit(seconds.get<double>());
  }
  return result;
}

std::string counted(const json& number, const char* what) {
  return (number.is_number_integer() ? number.dump() : "no") + " " + what;
}

/// How things stand by the last run, when it was about the document as it is.
Verdict verdict_of(const json& run, const json& status) {
  const std::string result = string_at(run, "result");
  const std::string error = string_at(run, "error");
  if (result == "done") {
    return {.is_ready = true,
            .reason = "Applied",
            .message = counted(at_path(status, "people"), "people and ") +
                       counted(at_path(status, "rooms"), "rooms are as the document says")};
  }
  if (result == "failures") {
    const json& failures = at_path(run, "failures");
    const std::string first = failures.empty() ? error : failures.at(0).get<std::string>();
    return {.reason = "StepsFailed",
            .message = counted(at_path(run, "failed"), "steps failed") +
                       (first.empty() ? "" : ": " + first)};
  }
  if (result == "rejected") {
    return {.reason = "DocumentRejected", .message = error, .is_for_people = true};
  }
  if (result == "refused") {
    return {.reason = "RunRefused", .message = error, .is_for_people = true};
  }
  if (result == "interrupted") return {.reason = "RunInterrupted", .message = error};
  return {.reason = "RunFailed", .message = error};
}

class Summary {
 public:
  Summary(const World& world, const Plan& plan, std::string failure)
      : world_(world), plan_(plan), failure_(std::move(failure)) {}

  json operator()() {
    status_["observedGeneration"] = world_.resource.generation;
    add_facts();
    const Verdict verdict = judge();
    condition("Ready", verdict.is_ready ? "True" : "False", verdict.reason, verdict.message);
    condition("Reconciling", verdict.is_under_way ? "True" : "False", verdict.reason,
              verdict.is_under_way ? verdict.message : "");
    condition("Stalled", verdict.is_for_people ? "True" : "False", verdict.reason,
              verdict.is_for_people ? verdict.message : "");
    judge_document();
    status_["conditions"] = conditions_;
    return status_;
  }

 private:
  void add_facts() {
    if (world_.tenant) status_["serverName"] = world_.tenant->spec.server_name;
    const json& before = world_.resource.status;
    for (const char* kept : {"people", "rooms"}) {
      if (const json& value = at_path(before, kept); !value.is_null()) status_[kept] = value;
    }
    if (const auto last = last_run(world_)) {
      run_ = last->summary.empty() ? at_path(before, "lastRun") : told(*last);
      status_["lastRun"] = run_;
      for (const char* number : {"people", "rooms"}) {
        const json& value = at_path(last->summary, number);
        if (value.is_number_integer()) status_[number] = value;
      }
    }
    if (const auto under_way = runs_under_way(world_); !under_way.empty()) {
      status_["running"] = {{"job", under_way.front()}};
    }
    // Not while another is due: to go back to the one before is a change as well.
    if (world_.tenant && world_.directory && !wants_run(world_)) {
      status_["document"] = world_.directory->fingerprint;
    }
    if (world_.tenant && world_.directory) {
      status_["sealedBundle"] = {{"claimName", manifests::directory_claim(*world_.directory)},
                                 {"path", world_.tenant->spec.server_name + ".alphorn"}};
    }
  }

  bool run_is_of_document() const {
    return world_.directory && string_at(run_, "document") == world_.directory->fingerprint;
  }

  Verdict judge() const {
    if (!failure_.empty()) {
      return {.reason = "Failed", .message = failure_, .is_under_way = true};
    }
    const bool is_foundation = !world_.tenant || !world_.directory || world_.document_problem;
    const bool is_due = is_foundation || wants_run(world_);
    if (plan_.obstacle && (is_due || plan_.obstacle->is_for_people)) {
      const Obstacle& obstacle = *plan_.obstacle;
      return {.reason = obstacle.reason,
              .message = obstacle.message,
              .is_under_way = !obstacle.is_for_people && !world_.resource.suspended,
              .is_for_people = obstacle.is_for_people};
    }
    if (wants_run(world_)) return under_way();
    if (!run_is_of_document()) return {.reason = "NotRun", .message = "waits for its schedule"};
    return verdict_of(run_, status_);
  }

  Verdict under_way() const {
    // A retry follows by itself; what went wrong is worth saying meanwhile.
    const bool has_failed = run_is_of_document() && string_at(run_, "result") != "done";
    if (has_failed) {
      Verdict verdict = verdict_of(run_, status_);
      verdict.is_under_way = !verdict.is_for_people;
      return verdict;
    }
    const auto jobs = runs_under_way(world_);
    if (jobs.empty()) return {.reason = "Running", .message = "a run begins", .is_under_way = true};
    const std::string job = "Job " + jobs.front();
    const std::string hold_up = hold_up_of(world_, jobs.front());
    if (!hold_up.empty()) {
      return {.reason = "PodNotStarted", .message = job + ": " + hold_up, .is_under_way = true};
    }
    return {.reason = "Running", .message = job + " is under way", .is_under_way = true};
  }

  /// Of the document alone: of a run that came past it, it says nothing.
  void judge_document() {
    if (world_.document_problem) {
      return condition("DocumentValid", "False", world_.document_problem->reason,
                       world_.document_problem->message);
    }
    if (!run_is_of_document()) return condition("DocumentValid", "Unknown", "NotRead", "");
    if (string_at(run_, "result") == "rejected") {
      return condition("DocumentValid", "False", "DocumentRejected", string_at(run_, "error"));
    }
    // A run that could not begin has read it before.
    condition("DocumentValid", "True", "DocumentRead", "");
  }

  void condition(const std::string& type, const std::string& value, const std::string& reason,
                 const std::string& message) {
    std::string since = format_time(world_.seen_at);
    for (const json& before : at_path(world_.resource.status, "conditions")) {
      if (string_at(before, "type") == type && string_at(before, "status") == value) {
        since = string_at(before, "lastTransitionTime");
      }
    }
    conditions_.push_back({{"type", type},
                           {"status", value},
                           {"reason", reason},
                           {"message", shortened(message, kMaxMessage)},
                           {"observedGeneration", world_.resource.generation},
                           {"lastTransitionTime", since}});
  }

  const World& world_;
  const Plan& plan_;
  std::string failure_;
  json run_;
  json status_ = json::object();
  json conditions_ = json::array();
};

}  // namespace

json summarize(const World& world, const Plan& plan, const std::string& failure) {
  return Summary{world, plan, failure}();
}

}  // namespace alphorn::directories
