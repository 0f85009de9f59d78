#include "homeserver/status.hpp"

#include <algorithm>
#include <set>

#include "base/encoding.hpp"
#include "homeserver/readiness.hpp"

namespace alphorn::homeserver {

namespace {

const std::set<std::string> kStalledReasons{"KeysLost", "WrongSigningKey"};
// Why a component is not ready although nothing is amiss.
const std::set<std::string> kProgress{"Applying",    "Creating",   "NodePortPending", "NotAsked",
                                      "Registering", "RollingOut", "Waiting"};
constexpr std::size_t kMaxMessage = 1024;

const json* find_condition(const json& status, const std::string& type) {
  for (const json& condition : at_path(status, "conditions")) {
    if (string_at(condition, "type") == type) return &condition;
  }
  return nullptr;
}

/// Builds the list of conditions; a transition time moves only when a status flips.
class Conditions {
 public:
  Conditions(const World& world, TimePoint now) : world_(world), now_(now) {}

  void set(const std::string& type, bool value, const std::string& reason,
           const std::string& message) {
    const std::string status = value ? "True" : "False";
    const json* before = find_condition(world_.resource.status, type);
    const bool flipped = before == nullptr || string_at(*before, "status") != status;
    list_.push_back({{"type", type},
                     {"status", status},
                     {"reason", reason},
                     {"message", shortened(message, kMaxMessage)},
                     {"observedGeneration", world_.resource.generation},
                     {"lastTransitionTime",
                      flipped ? format_time(now_) : string_at(*before, "lastTransitionTime")}});
  }

  json list() const { return list_; }

 private:
  const World& world_;
  TimePoint now_;
  json list_ = json::array();
};

struct Summary {
  std::string component;  ///< the first that is not ready
  Readiness readiness;
};

/// The readiness of each component after the pass: a failure of this pass comes first.
Readiness outcome_of(const ComponentPlan& component, const Failures& failures, bool paused) {
  const auto failed = failures.find(component.component);
  if (failed != failures.end()) {
    return {.ready = false, .reason = failed->second.reason, .message = failed->second.message};
  }
  if (component.readiness.ready && !component.steps.empty() && !paused) {
    return {.ready = false, .reason = "Applying", .message = describe(component.steps.front())};
  }
  return component.readiness;
}

void add_summary(Conditions& conditions, const World& world,
                 const std::optional<Summary>& trouble) {
  if (!trouble) {
    const std::string what = manifests::public_url(world.tenant) + " answers as Synapse " +
                             world.tenant.version + " for " + world.tenant.spec.server_name;
    conditions.set("Ready", true, "Serving", what);
    const bool paused = world.resource.spec.paused;
    conditions.set("Reconciling", false, paused ? "Paused" : "Serving",
                   paused ? "spec.paused is true: nothing is changed" : "");
    conditions.set("Stalled", false, "Serving", "");
    return;
  }
  const Readiness& why = trouble->readiness;
  const std::string reason = title_case(trouble->component) + "NotReady";
  const std::string message = trouble->component + ": " + why.message;
  const bool stalled = kStalledReasons.contains(why.reason);
  conditions.set("Ready", false, reason, message);
  conditions.set("Reconciling", !stalled && !world.resource.spec.paused,
                 world.resource.spec.paused ? "Paused" : reason, message);
  conditions.set("Stalled", stalled, stalled ? why.reason : "Progressing", stalled ? message : "");
}

json invalid(const World& world, TimePoint now) {
  std::string message;
  for (const api::Violation& violation : world.violations) {
    message += (message.empty() ? "" : "; ") + violation.field + ": " + violation.message;
  }
  Conditions conditions{world, now};
  conditions.set("Ready", false, "InvalidSpec", message);
  conditions.set("Reconciling", false, "InvalidSpec", "");
  conditions.set("Stalled", true, "InvalidSpec", message);
  json status = world.resource.status;
  status["observedGeneration"] = world.resource.generation;
  status["conditions"] = conditions.list();
  return status;
}

void add_facts(json& status, const World& world, const Plan& plan) {
  const manifests::Tenant& tenant = world.tenant;
  status["hosts"] = manifests::public_hosts(tenant);
  status["certificateAuthority"] = {{"configMapName", manifests::authority_config_map(tenant)}};
  const bool exposed = std::any_of(
      plan.components.begin(), plan.components.end(), [](const ComponentPlan& component) {
        return component.component == "exposure" && component.readiness.ready;
      });
  if (exposed) status["address"] = manifests::public_url(tenant);
  if (!world.signing_key_id.empty()) status["signingKeyId"] = world.signing_key_id;
  if (world.homeserver && world.homeserver->problem.empty()) {
    status["version"] = world.homeserver->version;
  } else if (const std::string known = string_at(world.resource.status, "version");
             !known.empty()) {
    status["version"] = known;  // what ran last, until it is asked again
  }
  if (world.certificate) {
    status["certificate"] = {{"serial", world.certificate->serial},
                             {"notAfter", format_time(world.certificate->not_after)}};
  }
  if (administrator_ready(world).ready) {
    status["administrator"] = {
        {"userId", "@" + tenant.spec.administrator + ":" + tenant.spec.server_name},
        {"secretName", manifests::administrator_secret(tenant)}};
  }
}

}  // namespace

json summarize(const World& world, const Plan& plan, const Failures& failures, TimePoint now) {
  if (!world.violations.empty()) return invalid(world, now);
  Conditions conditions{world, now};
  std::optional<Summary> trouble;
  std::vector<std::pair<std::string, Readiness>> rows;
  for (const ComponentPlan& component : plan.components) {
    const Readiness readiness = outcome_of(component, failures, world.resource.spec.paused);
    if (!readiness.ready && !trouble) trouble = Summary{component.component, readiness};
    rows.emplace_back(component.component, readiness);
  }
  add_summary(conditions, world, trouble);
  for (const auto& [component, readiness] : rows) {
    conditions.set(title_case(component) + "Ready", readiness.ready, readiness.reason,
                   readiness.message);
  }
  json status = {{"observedGeneration", world.resource.generation},
                 {"conditions", conditions.list()}};
  add_facts(status, world, plan);
  return status;
}

Reported reported(const json& status, const std::string& type) {
  const json* condition = find_condition(status, type);
  if (condition == nullptr) return {};
  return {.status = string_at(*condition, "status"),
          .reason = string_at(*condition, "reason"),
          .message = string_at(*condition, "message"),
          .since = string_at(*condition, "lastTransitionTime")};
}

bool is_trouble(const json& status) {
  if (reported(status, "Stalled").status == "True") return true;
  return std::any_of(components().begin(), components().end(), [&](const Component& component) {
    const Reported condition = reported(status, title_case(component.name) + "Ready");
    return condition.status == "False" && !kProgress.contains(condition.reason);
  });
}

bool status_differs(const json& status, const json& before) {
  if (!before.is_object() || differs(status, before)) return true;
  for (const auto& [field, value] : before.items()) {
    if (!status.contains(field)) return true;
  }
  return false;
}

bool is_ready(const json& status) { return reported(status, "Ready").status == "True"; }

}  // namespace alphorn::homeserver
