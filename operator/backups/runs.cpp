#include "backups/runs.hpp"

#include <array>
#include <iomanip>
#include <sstream>

#include "base/encoding.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::backups {
namespace {

using homeserver::ObjectPtr;

constexpr std::size_t kMaxMessage = 1024;
constexpr std::size_t kMaxUpkeep = 300;
constexpr std::size_t kMaxReason = 64;

std::string in_units(double bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  constexpr double kStep = 1024;
  std::size_t unit = 0;
  while (bytes >= kStep && unit + 1 < kUnits.size()) {
    bytes /= kStep;
    ++unit;
  }
  std::ostringstream text;
  text << std::fixed << std::setprecision(unit == 0 ? 0 : 1) << bytes << ' ' << kUnits.at(unit);
  return text.str();
}

std::string in_time(double seconds) {
  std::ostringstream text;
  constexpr int kMinute = 60;
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole >= kMinute) {
    text << whole / kMinute << "m" << whole % kMinute << "s";
  } else {
    text << std::fixed << std::setprecision(1) << seconds << "s";
  }
  return text.str();
}

/// The container's last words; an object with "error" where it had none of its own.
json words_of(const json& container) {
  const json& end = at_path(container, "state/terminated");
  const std::string text = string_at(end, "message");
  json words = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (words.is_object() && words.contains("result")) return words;
  std::string error = string_at(end, "reason");
  if (!text.empty()) error += ": " + text;
  const bool is_out_of_memory = string_at(end, "reason") == "OOMKilled";
  return {{"result", "failed"},
          {"reason", is_out_of_memory ? "OutOfMemory" : "Failed"},
          {"error", error}};
}

struct LastWords {
  std::string end;
  json words = json::object();
};

/// Containers in the order in which they ran: one that failed kept the next from beginning.
std::vector<json> containers_of(const json& pod) {
  std::vector<json> result;
  for (const char* list : {"status/initContainerStatuses", "status/containerStatuses"}) {
    for (const json& container : at_path(pod, list)) result.push_back(container);
  }
  return result;
}

/// What a pod came to: the words of the first that failed, or else of the one that ended last.
LastWords words_of_pod(const json& pod) {
  LastWords last;
  for (const json& container : containers_of(pod)) {
    const json& end = at_path(container, "state/terminated");
    // Those that run beside the others end when all is over, by a signal or not.
    if (!end.is_object() || at_path(container, "started") == true) continue;
    const bool has_words = string_at(end, "message").starts_with('{');
    const bool failed = integer_at(end, "exitCode") != 0;
    if (!failed && !has_words) continue;
    if (!last.end.empty() && string_at(last.words, "result") == "failed") break;
    last = {.end = string_at(end, "finishedAt"), .words = words_of(container)};
  }
  return last;
}

/// Of the pod that ended last; nothing where none did, or all are gone.
LastWords last_words(const json& job, const std::vector<ObjectPtr>& pods) {
  LastWords last;
  const std::string name = string_at(job, "metadata/name");
  for (const ObjectPtr& pod : pods) {
    if (manifests::label_of(*pod, "batch.kubernetes.io/job-name") != name) continue;
    LastWords words = words_of_pod(*pod);
    if (!words.end.empty() && words.end >= last.end) last = std::move(words);
  }
  return last;
}

void copy_texts(const json& words, json& status, std::initializer_list<const char*> fields) {
  for (const char* field : fields) {
    if (const std::string text = string_at(words, field); !text.empty()) status[field] = text;
  }
}

void copy_number(const json& words, const char* from, json& status, const char* into) {
  const json& number = at_path(words, from);
  if (number.is_number()) status[into] = number.get<std::int64_t>();
}

json counts_in(const json& words) {
  json counts = json::object();
  for (const char* what : {"users", "rooms", "events", "localMedia"}) {
    copy_number(at_path(words, "counts"), what, counts, what);
  }
  copy_number(words, "media/files", counts, "mediaFiles");
  return counts;
}

json parts_in(const json& words) {
  json parts = json::array();
  for (const json& part : at_path(words, "parts")) {
    json entry = {{"name", string_at(part, "name")}};
    copy_number(part, "bytes", entry, "bytes");
    copy_number(part, "added", entry, "added");
    parts.push_back(std::move(entry));
  }
  return parts;
}

json complete_drill(const json& words, const std::string& end) {
  json status = {{"phase", "Complete"}, {"finishedAt", end}};
  copy_texts(words, status, {"set"});
  if (const json& bytes = at_path(words, "bytes"); bytes.is_number()) {
    status["size"] = in_units(bytes.get<double>());
  }
  if (const json& checks = at_path(words, "checks"); checks.is_object()) {
    status["checks"] = checks;
  }
  if (const json& seconds = at_path(words, "rtoSeconds"); seconds.is_number()) {
    status["recoveryTime"] = in_time(seconds.get<double>());
    status["recoverySeconds"] = seconds.get<std::int64_t>();
  }
  return status;
}

json complete(const json& words, const std::string& end) {
  json status = {{"phase", "Complete"}, {"finishedAt", end}};
  copy_texts(words, status, {"set", "snapshot", "startedAt", "finishedAt", "oldest"});
  copy_number(words, "bytes", status, "bytes");
  copy_number(words, "addedBytes", status, "addedBytes");
  if (const json& bytes = at_path(words, "bytes"); bytes.is_number()) {
    status["size"] = in_units(bytes.get<double>());
  }
  if (const json& added = at_path(words, "addedBytes"); added.is_number()) {
    status["added"] = in_units(added.get<double>());
  }
  if (const json& seconds = at_path(words, "seconds"); seconds.is_number()) {
    status["duration"] = in_time(seconds.get<double>());
    status["seconds"] = seconds.get<std::int64_t>();
  }
  if (json counts = counts_in(words); !counts.empty()) status["counts"] = std::move(counts);
  if (json parts = parts_in(words); !parts.empty()) status["parts"] = std::move(parts);
  if (const json& sets = at_path(words, "sets"); sets.is_array()) status["sets"] = sets.size();
  if (const std::string upkeep = string_at(words, "upkeep"); !upkeep.empty()) {
    status["upkeep"] = shortened(upkeep, kMaxUpkeep);
  }
  return status;
}

json failed(const json& job, const LastWords& last) {
  const json& end = homeserver::end_of(job, "Failed");
  json status = {{"phase", "Failed"}, {"finishedAt", string_at(end, "lastTransitionTime")}};
  std::string reason = string_at(last.words, "reason");
  std::string message = string_at(last.words, "error");
  // Its pods were taken away, as when its time was over.
  if (reason.empty() || string_at(end, "reason") == "DeadlineExceeded") {
    reason = string_at(end, "reason");
    message = string_at(end, "message") + (message.empty() ? "" : "; " + message);
  }
  status["reason"] = shortened(reason, kMaxReason);
  status["message"] = shortened(message, kMaxMessage);
  return status;
}

/// What keeps a pod of it from starting, or what went wrong with the one before.
std::string trouble_of(const json& job, const std::vector<ObjectPtr>& pods) {
  const std::string name = string_at(job, "metadata/name");
  for (const ObjectPtr& pod : pods) {
    if (manifests::label_of(*pod, "batch.kubernetes.io/job-name") != name) continue;
    for (const json& condition : at_path(*pod, "status/conditions")) {
      if (string_at(condition, "type") == "PodScheduled" &&
          string_at(condition, "status") == "False") {
        return "its pod finds no node: " + string_at(condition, "message");
      }
    }
    for (const json& container : containers_of(*pod)) {
      const std::string reason = string_at(container, "state/waiting/reason");
      // The kubelet's own text counts attempts: it would never be the same twice.
      if (reason.find("Image") != std::string::npos) {
        return "image " + string_at(container, "image") + " cannot be pulled";
      }
    }
  }
  return "";
}

}  // namespace

bool has_ended(const json& job) {
  return !homeserver::end_of(job, "Complete").is_null() ||
         !homeserver::end_of(job, "Failed").is_null();
}

std::string ended_at(const json& job) {
  for (const char* outcome : {"Complete", "Failed"}) {
    const json& end = homeserver::end_of(job, outcome);
    if (!end.is_null()) return string_at(end, "lastTransitionTime");
  }
  return "";
}

json status_of_run(const json& job, const std::vector<ObjectPtr>& pods,
                   const api::HomeserverRun& run) {
  const LastWords last = last_words(job, pods);
  json status;
  if (!homeserver::end_of(job, "Complete").is_null()) {
    status = run.kind == api::kHomeserverRestore ? complete_drill(last.words, ended_at(job))
                                                 : complete(last.words, ended_at(job));
  } else if (!homeserver::end_of(job, "Failed").is_null()) {
    status = failed(job, last);
  } else {
    status = {{"phase", "Running"}};
    if (const std::string trouble = trouble_of(job, pods); !trouble.empty()) {
      status["reason"] = "PodNotStarted";
      status["message"] = shortened(trouble, kMaxMessage);
    } else if (!string_at(last.words, "error").empty()) {
      // Another try follows by itself; what went wrong is worth saying meanwhile.
      status["reason"] = shortened(string_at(last.words, "reason"), kMaxReason);
      status["message"] =
          shortened("it is tried again: " + string_at(last.words, "error"), kMaxMessage);
    }
    copy_texts(run.status, status, {"startedAt"});
  }
  status["job"] = string_at(job, "metadata/name");
  if (string_at(status, "startedAt").empty()) {
    if (const std::string start = string_at(job, "status/startTime"); !start.empty()) {
      status["startedAt"] = start;
    }
  }
  return status;
}

std::set<std::string> sets_after(const json& job, const std::vector<ObjectPtr>& pods) {
  std::set<std::string> sets;
  const LastWords last = last_words(job, pods);
  for (const json& set : at_path(last.words, "sets")) {
    if (set.is_string()) sets.insert(set.get<std::string>());
  }
  return sets;
}

}  // namespace alphorn::backups
