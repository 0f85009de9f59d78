#include "homeserver/database.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "homeserver/readiness.hpp"
#include "homeserver/status.hpp"
#include "manifests/bridges.hpp"
#include "manifests/database_login.hpp"
#include "manifests/mas.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

using manifests::DatabaseLogin;
using manifests::external_database;
using manifests::Tenant;
using std::chrono::seconds;

constexpr seconds kAskAgain{10};
/// How long good news are believed while the homeserver is silent.
constexpr seconds kBelieved{30};
constexpr const char* kHealthyCluster = "Cluster in healthy state";
constexpr std::size_t kLongestRequest = 64;

json note_of(const DatabaseLogin& login) {
  return {{"role", login.role},   {"next", login.next},         {"former", login.former},
          {"since", login.since}, {"rotation", login.rotation}, {"source", login.source}};
}

/// Name of the Job that asks about the database as it is wanted; "" when none does.
std::string check_name(const Tenant& tenant) {
  for (const json& manifest : manifests::database_check_job(tenant)) {
    if (string_at(manifest, "kind") == "Job") return string_at(manifest, "metadata/name");
  }
  return "";
}

/// When the Job ended with this outcome; nothing while it has not.
std::optional<TimePoint> ended(const json& job, const char* outcome) {
  const json& end = end_of(job, outcome);
  if (end.is_null()) return std::nullopt;
  return parse_time(string_at(end, "lastTransitionTime"));
}

bool is_checked(const World& world) {
  const json* job = world.child("Job", check_name(world.tenant));
  return job != nullptr && ended(*job, "Complete").has_value();
}

/// What a person asks for a new password by; "" when nobody does.
std::string asked_by(const World& world) {
  const auto found = world.resource.rotations.find(kDatabasePassword);
  return found == world.resource.rotations.end() ? "" : found->second;
}

std::string requested(const World& world) {
  const std::string request = asked_by(world);
  return request.empty() ? "" : fingerprint_of(request);
}

/// The next state of a login to a database of our own.
DatabaseLogin advanced(const World& world, DatabaseLogin login, seconds former_login_stays) {
  if (!login.former.empty()) {
    const auto since = parse_time(login.since);
    if (since && world.seen_at - *since < former_login_stays) return login;
    login.former = login.since = "";
  }
  if (!login.next.empty()) {
    if (!world.database_is_checked) return login;
    login.former = login.role;
    login.role = login.next;
    login.next = "";
    login.since = format_time(world.seen_at);
  } else if (const std::string request = requested(world);
             !request.empty() && request != login.rotation) {
    login.next = manifests::role_after(login.role);
    login.rotation = request;
  }
  return login;
}

/// What the check's pod said at its end, as a Readiness; nothing when it said nothing.
std::optional<Readiness> finding_of(const World& world, const std::string& job) {
  for (const ObjectPtr& pod : world.pods) {
    if (string_at(*pod, "metadata/name").rfind(job + "-", 0) != 0) continue;
    for (const json& status : at_path(*pod, "status/containerStatuses")) {
      const std::string text = string_at(status, "state/terminated/message");
      const json finding = json::parse(text, nullptr, false);
      if (finding.is_object() && !string_at(finding, "reason").empty()) {
        return not_ready(string_at(finding, "reason"), string_at(finding, "message"));
      }
    }
  }
  return std::nullopt;
}

/// How it is while a check is under way: as the last one found it, or unknown. Otherwise every
/// repeated check would make a condition flap.
Readiness while_checking(const World& world, const std::string& job) {
  const Reported before = reported(world.resource.status, "DatabaseReady");
  if (before.status == "True") return kReady;
  if (before.reason.rfind("Database", 0) == 0) return not_ready(before.reason, before.message);
  Readiness pods = explain_pods(world, "Job", job);
  if (pods.reason != "RollingOut") return pods;
  return not_ready("Checking", "asks " + external_database(world.tenant)->host +
                                   " whether a homeserver can live there");
}

std::optional<Readiness> secret_problem(const World& world) {
  const api::ExternalDatabase external = *external_database(world.tenant);
  const json* secret = world.child("Secret", external.secret_name);
  if (secret == nullptr && manifests::has_cloudnative_pg_database(world.tenant)) {
    return not_ready("RollingOut", "CloudNativePG has not made Secret " + external.secret_name +
                                       " with the label " + manifests::kTenantLabel + " yet");
  }
  if (secret == nullptr) {
    return not_ready("DatabaseSecretMissing", missing_secret(world, external.secret_name));
  }
  if (string_at(at_path(*secret, "data"), external.secret_key).empty()) {
    return not_ready("DatabaseSecretMissing", "Secret " + external.secret_name + " has no key \"" +
                                                  external.secret_key + "\"");
  }
  return std::nullopt;
}

bool has_condition(const json& object, const char* type) {
  for (const json& condition : at_path(object, "status/conditions")) {
    if (string_at(condition, "type") == type) return string_at(condition, "status") == "True";
  }
  return false;
}

/// Why CloudNativePG's cluster serves nobody; nothing when it does, or when there is none to ask.
std::optional<Readiness> cluster_problem(const World& world) {
  if (!manifests::has_cloudnative_pg_database(world.tenant)) return std::nullopt;
  if (!world.tenant.has_cloudnative_pg) {
    return not_ready("CloudNativePgMissing",
                     "the cluster does not know the kind Cluster of postgresql.cnpg.io: install "
                     "CloudNativePG");
  }
  const std::string name = manifests::database_name(world.tenant);
  const json* cluster = world.child(kDatabaseCluster, name);
  if (cluster == nullptr) return not_ready("Creating", "Cluster " + name + " does not exist yet");
  if (manifests::database_sleeps(world.tenant)) {
    if (has_condition(*cluster, manifests::kClusterHibernation)) return kHibernated;
    return not_ready("Stopping", "Cluster " + name + " is being stopped");
  }
  const std::string phase = string_at(*cluster, "status/phase");
  // One server is enough to serve: the others are made, or come back, meanwhile.
  const bool serves = has_condition(*cluster, "Ready") || phase == kHealthyCluster;
  if (serves && integer_at(*cluster, "status/readyInstances") >= 1) return std::nullopt;
  const std::string why = string_at(*cluster, "status/phaseReason");
  return not_ready(phase.empty() ? "RollingOut" : "ClusterNotHealthy",
                   "Cluster " + name + ": " + (phase.empty() ? "not taken up yet" : phase) +
                       (why.empty() ? "" : ": " + why));
}

Readiness external_ready(const World& world) {
  if (const auto problem = cluster_problem(world)) return *problem;
  if (world.tenant.spec.hibernated) return kHibernated;
  if (const auto problem = secret_problem(world)) return *problem;
  const std::string name = check_name(world.tenant);
  const json* job = world.child("Job", name);
  if (job == nullptr || (!ended(*job, "Complete") && !ended(*job, "Failed"))) {
    return while_checking(world, name);
  }
  if (ended(*job, "Failed")) {
    if (const auto finding = finding_of(world, name)) return *finding;
    return not_ready("DatabaseCheckFailed",
                     "Job " + name + " ended without a finding; see kubectl describe job");
  }
  if (world.child("Secret", manifests::database_login(world.tenant)) == nullptr) {
    return not_ready("Creating", "the homeserver's login is not written yet");
  }
  if (!asked_by(world).empty()) {
    return {.ready = true,
            .reason = "PasswordIsBrought",
            .message = std::string{api::kRotatePrefix} + kDatabasePassword +
                       " does nothing here: change the password in the database and in Secret " +
                       external_database(world.tenant)->secret_name};
  }
  return kReady;
}

Readiness rotation_of(const World& world) {
  const DatabaseLogin& login = world.tenant.login;
  std::string message;
  if (!login.next.empty()) {
    message = "a new password is drawn; it is used once the database takes it";
    if (const auto finding = finding_of(world, check_name(world.tenant))) {
      message += ": " + finding->message;
    }
  } else {
    message = "programs are told the new password; the former one is refused soon";
  }
  return {.ready = true, .reason = "RotatingPassword", .message = message};
}

}  // namespace

std::optional<DatabaseLogin> login_in(const json& secret) {
  const json note = json::parse(manifests::annotation_of(secret, kDatabaseLogin), nullptr, false);
  if (string_at(note, "role").empty()) return std::nullopt;
  return DatabaseLogin{.role = string_at(note, "role"),
                       .next = string_at(note, "next"),
                       .former = string_at(note, "former"),
                       .since = string_at(note, "since"),
                       .rotation = string_at(note, "rotation"),
                       .source = string_at(note, "source")};
}

void observe_login(World& world, seconds former_login_stays) {
  Tenant& tenant = world.tenant;
  const json* secret = world.child("Secret", manifests::database_login(tenant));
  const auto login = secret == nullptr ? std::nullopt : login_in(*secret);
  tenant.login = login.value_or(DatabaseLogin{});
  if (!manifests::has_external_database(tenant)) {
    if (!login) {
      tenant.login.role = manifests::kDatabaseRole;
      return;
    }
    world.database_is_checked = is_checked(world);
    tenant.login = advanced(world, *login, former_login_stays);
    return;
  }
  const api::ExternalDatabase external = *external_database(tenant);
  if (!cluster_problem(world) && !secret_problem(world)) {
    const auto found = world.children.find(ChildId{.kind = "Secret", .name = external.secret_name});
    tenant.database_secret_seen = found->second.version();
  }
  world.database_is_checked = is_checked(world);
  if (!world.database_is_checked) return;
  const json parameters =
      manifests::connection_parameters(tenant, external.user, manifests::mounted_authority());
  tenant.login = {.role = external.user,
                  .source = fingerprint_of({{"secret", tenant.database_secret_seen},
                                            {"parameters", parameters},
                                            {"authority", external.ca_bundle}})};
}

bool is_rotating(const World& world) {
  const DatabaseLogin& login = world.tenant.login;
  return !login.next.empty() || !login.former.empty();
}

LoginWish login_wish_of(const World& world, const DatabaseLogin& login) {
  json metadata = manifests::login_metadata(world.tenant);
  json note = note_of(login);
  if (manifests::has_mas(world.tenant)) note["besides"] = manifests::kMasRole;
  if (const std::string logins = manifests::bridge_logins(world.tenant); !logins.empty()) {
    note["bridges"] = logins;
  }
  metadata["annotations"][kDatabaseLogin] = note.dump();
  return {.secret_name = manifests::database_login(world.tenant),
          .metadata = std::move(metadata),
          .login = login};
}

LoginWish login_wish(const World& world) { return login_wish_of(world, world.tenant.login); }

bool is_of_check(const json& object) {
  return manifests::label_of(object, "app.kubernetes.io/name") == manifests::kDatabaseCheck;
}

bool check_is_over(const World& world, const json& job) {
  if (!is_of_check(job)) return false;
  if (string_at(job, "metadata/name") != check_name(world.tenant)) return true;
  if (const auto failed = ended(job, "Failed")) return world.seen_at - *failed >= kAskAgain;
  const auto complete = ended(job, "Complete");
  return complete && manifests::has_external_database(world.tenant) &&
         !homeserver_ready(world).ready &&
         world.child("StatefulSet", manifests::homeserver_name(world.tenant)) != nullptr &&
         world.seen_at - *complete >= kBelieved;
}

json login_status(const World& world) {
  const DatabaseLogin& login = world.tenant.login;
  if (login.role.empty()) return json::object();
  json result = {{"login", login.role}};
  const std::string told = string_at(world.resource.status, "database/passwordRotation");
  const bool is_done =
      !is_rotating(world) && !login.rotation.empty() && login.rotation == requested(world);
  const std::string done = is_done ? shortened(asked_by(world), kLongestRequest) : told;
  if (!done.empty()) result["passwordRotation"] = done;
  return result;
}

Readiness database_ready(const World& world) {
  if (manifests::has_external_database(world.tenant)) return external_ready(world);
  const std::string name = manifests::database_name(world.tenant);
  if (manifests::database_sleeps(world.tenant)) return hibernation_of(world, "StatefulSet", name);
  Readiness server = stateful_set_ready(world, name);
  return server.ready && is_rotating(world) ? rotation_of(world) : server;
}

}  // namespace alphorn::homeserver
