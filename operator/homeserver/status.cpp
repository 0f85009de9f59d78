#include "homeserver/status.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/encoding.hpp"
#include "homeserver/backup.hpp"
#include "homeserver/bridges.hpp"
#include "homeserver/calls.hpp"
#include "homeserver/database.hpp"
#include "homeserver/readiness.hpp"
#include "manifests/mas.hpp"

namespace alphorn::homeserver {

namespace {

const std::set<std::string> kStalledReasons{"AccountsByHomeserver",
                                            "AccountsByMas",
                                            "CertificateExpired",
                                            "CertificateForOtherHosts",
                                            "CertificateKeyMismatch",
                                            "CertificateSecretMissing",
                                            "ClientSecretMissing",
                                            "DatabaseAccessRefused",
                                            "DatabaseCertificateRefused",
                                            "DatabaseMissing",
                                            "DatabaseNotOwned",
                                            "DatabaseOccupied",
                                            "DatabaseOfAnotherServer",
                                            "DatabasePasswordRefused",
                                            "DatabasePasswordUnusable",
                                            "DatabaseReadOnly",
                                            "DatabaseSecretMissing",
                                            "DatabaseTooOld",
                                            "DatabaseWithoutTls",
                                            "DatabaseWrongEncoding",
                                            "DatabaseWrongLocale",
                                            "CertificateUnreadable",
                                            "CloudNativePgMissing",
                                            "KeysLost",
                                            "BridgeSecretMissing",
                                            "BucketMissing",
                                            "BucketRefused",
                                            "MediaKeyMissing",
                                            "NoImage",
                                            "WrongSigningKey"};
// Why a component is not ready although nothing is amiss.
const std::set<std::string> kProgress{"Applying",
                                      "Asking",
                                      "CertificatePending",
                                      "Checking",
                                      "Creating",
                                      "Hibernated",
                                      "IngressPending",
                                      "NodePortPending",
                                      "NotAsked",
                                      "Registering",
                                      "LoadBalancerPending",
                                      "RollingOut",
                                      "RoutePending",
                                      "Stopping",
                                      "Waiting"};
constexpr const char* kFenced = "Fenced";
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

/// The one step after which there is nothing to wait for.
bool registers_administrator(const ComponentPlan& component) {
  return std::any_of(component.steps.begin(), component.steps.end(), [](const Step& step) {
    return std::holds_alternative<RegisterAdministrator>(step);
  });
}

/// The readiness of each component after the pass: a failure of this pass comes first.
Readiness outcome_of(const ComponentPlan& component, const Failures& failures, bool paused) {
  const auto failed = failures.find(component.component);
  if (failed != failures.end()) {
    return {.ready = false, .reason = failed->second.reason, .message = failed->second.message};
  }
  if (paused) return component.readiness;
  if (registers_administrator(component)) return {.ready = true, .reason = "Ready", .message = ""};
  const bool is_mere_upkeep =
      std::all_of(component.steps.begin(), component.steps.end(), is_upkeep);
  if (component.readiness.ready && !is_mere_upkeep) {
    return {.ready = false, .reason = "Applying", .message = describe(component.steps.front())};
  }
  return component.readiness;
}

void add_summary(Conditions& conditions, const World& world,
                 const std::optional<Summary>& trouble) {
  const bool paused = world.resource.spec.paused;
  if (!trouble && world.resource.spec.hibernated) {
    conditions.set("Ready", false, kHibernated.reason,
                   "nothing runs while spec.hibernated is true; data, keys and address are kept");
    conditions.set("Reconciling", false, paused ? "Paused" : kHibernated.reason, "");
    conditions.set("Stalled", false, kHibernated.reason, "");
    return;
  }
  if (!trouble && world.resource.spec.fenced) {
    conditions.set("Ready", false, kFenced,
                   "nobody gets in from outside while spec.fenced is true; everything else runs");
    conditions.set("Reconciling", false, paused ? "Paused" : kFenced, "");
    conditions.set("Stalled", false, kFenced, "");
    return;
  }
  if (!trouble) {
    const std::string what = manifests::public_url(world.tenant) + " answers as Synapse " +
                             world.tenant.version + " for " + world.tenant.spec.server_name;
    conditions.set("Ready", true, "Serving", what);
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
  conditions.set("Reconciling", !stalled && !paused, paused ? "Paused" : reason, message);
  conditions.set("Stalled", stalled, stalled ? why.reason : "Progressing", stalled ? message : "");
}

/// A pod of before the fence keeps the connections that it has until it is gone.
bool is_door_still_open(const World& world) {
  return std::any_of(world.pods.begin(), world.pods.end(), [&](const ObjectPtr& pod) {
    return string_at(*pod, "metadata/name")
               .starts_with(manifests::gateway_name(world.tenant) + "-") &&
           is_going(*pod);
  });
}

/// Closed is only what was seen to be closed, or has no door at all.
void add_fence(Conditions& conditions, const World& world, const Readiness& gateway) {
  if (!world.resource.spec.fenced) return conditions.set(kFenced, false, "Open", "");
  if (!gateway.ready && gateway != kHibernated) {
    return conditions.set(kFenced, false, "Closing", gateway.message);
  }
  const bool closed = !is_door_still_open(world);
  conditions.set(kFenced, closed, closed ? "Closed" : "Closing",
                 closed ? "the gateway answers everybody with 503"
                        : "the gateway of before ends its last connections");
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

/// Where they send people back to, which nobody could guess: see ulid_of_provider().
json identity_providers(const manifests::Tenant& tenant) {
  json result = json::array();
  if (!manifests::has_mas(tenant)) return result;
  for (const api::OidcProvider& provider : tenant.spec.authentication.oidc) {
    result.push_back(
        {{"id", provider.id}, {"redirectUri", manifests::mas_redirect_uri(tenant, provider)}});
  }
  return result;
}

using Outcomes = std::map<std::string, Readiness>;  // by component, after the pass

void add_facts(json& status, const World& world, const Outcomes& outcomes) {
  const manifests::Tenant& tenant = world.tenant;
  const auto is_well = [&](const char* component) {
    const auto found = outcomes.find(component);
    return found != outcomes.end() && found->second.ready;
  };
  status["hosts"] = manifests::public_hosts(tenant);
  if (manifests::is_signed_by_operator(tenant)) {
    status["certificateAuthority"] = {{"configMapName", manifests::authority_config_map(tenant)}};
  }
  if (is_well("exposure")) {
    status["address"] = manifests::public_url(tenant);
    if (manifests::has_web(tenant)) status["webAddress"] = manifests::web_url(tenant);
    if (json calls = calls_status(world); !calls.empty()) status["calls"] = std::move(calls);
    if (json providers = identity_providers(tenant); !providers.empty()) {
      status["identityProviders"] = std::move(providers);
    }
    if (json endpoints = endpoints_of(world); !endpoints.empty()) status["endpoints"] = endpoints;
  }
  // Reported once all keys exist, and never taken back: it is a sign that they were in use.
  const std::string reported_key = string_at(world.resource.status, "signingKeyId");
  const std::string key = is_well("keys") ? world.signing_key_id : reported_key;
  if (!key.empty()) status["signingKeyId"] = key;
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
  if (json bridges = bridges_status(world, is_well("homeserver")); !bridges.empty()) {
    status["bridges"] = std::move(bridges);
  }
  if (json backup = backup_status(world); !backup.empty()) status["backup"] = std::move(backup);
  if (json login = login_status(world); !login.empty()) status["database"] = login;
  if (is_well("administrator")) {
    status["administrator"] = {{"userId", manifests::administrator_id(tenant)},
                               {"secretName", manifests::administrator_secret(tenant)},
                               {"registration", registration_of(world)}};
  } else if (const json& known = at_path(world.resource.status, "administrator");
             known.is_object()) {
    status["administrator"] = known;  // the account is there though the servers may not answer
  }
}

}  // namespace

json summarize(const World& world, const Plan& plan, const Failures& failures, TimePoint now) {
  if (!world.violations.empty()) return invalid(world, now);
  Conditions conditions{world, now};
  std::optional<Summary> trouble;
  Outcomes outcomes;
  for (const ComponentPlan& component : plan.components) {
    const Readiness readiness = outcome_of(component, failures, world.resource.spec.paused);
    if (!readiness.ready && readiness != kHibernated && !trouble)
      trouble = Summary{component.component, readiness};
    outcomes[component.component] = readiness;
  }
  add_summary(conditions, world, trouble);
  add_fence(conditions, world, outcomes["gateway"]);
  for (const ComponentPlan& component : plan.components) {
    const Readiness& readiness = outcomes[component.component];
    conditions.set(title_case(component.component) + "Ready", readiness.ready, readiness.reason,
                   readiness.message);
  }
  if (wants_backup(world.tenant)) {
    const Readiness health = backup_health(world);
    conditions.set("BackupHealthy", health.ready, health.reason, health.message);
    const Readiness verified = backup_verified(world);
    conditions.set("BackupVerified", verified.ready, verified.reason, verified.message);
  }
  if (const std::string retired = retired_bridges(world); !retired.empty()) {
    conditions.set("Retired", true, "SkypeShutDown", retired);
  }
  json status = {{"observedGeneration", world.resource.generation},
                 {"conditions", conditions.list()}};
  add_facts(status, world, outcomes);
  return status;
}

std::string joined(const Failures& failures) {
  std::string text;
  for (const auto& [component, failure] : failures) {
    text += (text.empty() ? "" : "; ") + component + ": " + failure.message;
  }
  return text;
}

json summarize_erasure(const World& world, const std::string& waits_for, const Failures& failures,
                       TimePoint now) {
  Conditions conditions{world, now};
  const bool paused = world.resource.spec.paused;
  const std::string reason = paused ? "Paused" : "Erasing";
  const std::string message = failures.empty()
                                  ? "data and keys go too; waits for the end of " + waits_for
                                  : "data and keys go too: " + joined(failures);
  conditions.set("Ready", false, reason, paused ? waits_for : message);
  conditions.set("Reconciling", !paused, reason, paused ? waits_for : message);
  conditions.set("Stalled", false, reason, "");
  json status = world.resource.status;
  status["observedGeneration"] = world.resource.generation;
  status["conditions"] = conditions.list();
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

bool is_progress(const json& status, const json& before) {
  const auto under_way = [](const json& one) {
    return reported(one, "Ready").status == "False" && !is_trouble(one);
  };
  return under_way(status) && under_way(before) &&
         integer_at(status, "observedGeneration") == integer_at(before, "observedGeneration");
}

bool is_hibernated(const json& status) {
  return reported(status, "Ready").reason == kHibernated.reason;
}

bool is_fenced(const json& status) { return reported(status, "Ready").reason == kFenced; }

bool is_ready(const json& status) { return reported(status, "Ready").status == "True"; }

}  // namespace alphorn::homeserver
