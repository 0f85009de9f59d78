#include "homeserver/refusal.hpp"

#include <algorithm>

namespace alphorn::homeserver {

namespace {

constexpr std::chrono::seconds kUntilPodIsMade{5};
constexpr const char* kRefused = "FailedCreate";
constexpr const char* kMade = "SuccessfulCreate";

/// "pods "acme-gateway-6d4-x2x" is forbidden: exceeded quota: ..." -> what comes after the name,
/// which is another one at each try.
std::string without_name(const std::string& text) {
  constexpr std::string_view kForbidden = " is forbidden: ";
  const std::size_t found = text.find(kForbidden);
  return found == std::string::npos ? text : text.substr(found + kForbidden.size());
}

/// Whichever of the fields the reporter filled in. All are of one length up to the seconds, so they
/// compare as text.
std::string time_of(const json& event) {
  std::string latest;
  for (const char* field : {"series/lastObservedTime", "deprecatedLastTimestamp", "eventTime"}) {
    latest = std::max(latest, string_at(event, field));
  }
  return latest;
}

}  // namespace

std::string refusal_reason(const std::string& text, const std::string& otherwise) {
  return text.find("exceeded quota: ") == std::string::npos ? otherwise : "QuotaExceeded";
}

std::optional<Readiness> pod_refusal(const World& world, const std::string& kind,
                                     const std::string& name) {
  std::string text;
  if (const auto found = world.refusals.find(name); found != world.refusals.end()) {
    text = found->second;
  }
  if (const json* workload = world.child(kind, name)) {
    for (const json& condition : at_path(*workload, "status/conditions")) {
      if (string_at(condition, "type") == "ReplicaFailure" &&
          string_at(condition, "status") == "True") {
        text = string_at(condition, "message");
      }
    }
  }
  if (text.empty()) return std::nullopt;
  return Readiness{.ready = false,
                   .reason = refusal_reason(text, "PodRefused"),
                   .message = kind + " " + name + " may make no pod: " + without_name(text)};
}

bool lacks_its_pod(const World& world, const json& stateful_set) {
  if (string_at(stateful_set, "kind") != "StatefulSet") return false;
  const auto made = parse_time(string_at(stateful_set, "metadata/creationTimestamp"));
  return integer_at(stateful_set, "status/replicas") <
             integer_at(stateful_set, "spec/replicas", 1) &&
         made && world.seen_at - *made > kUntilPodIsMade;
}

std::string last_refusal(const std::vector<json>& events) {
  const json* last = nullptr;
  for (const json& event : events) {
    const std::string reason = string_at(event, "reason");
    if (reason != kRefused && reason != kMade) continue;
    if (last == nullptr || time_of(event) >= time_of(*last)) last = &event;
  }
  return last == nullptr || string_at(*last, "reason") == kMade ? "" : string_at(*last, "note");
}

}  // namespace alphorn::homeserver
