#include "homeserver/readiness.hpp"

#include <algorithm>
#include <set>

#include "api/quantity.hpp"
#include "homeserver/database.hpp"
#include "homeserver/refusal.hpp"
#include "homeserver/rotation.hpp"
#include "homeserver/status.hpp"
#include "homeserver/workers.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

const Readiness kReady{.ready = true, .reason = "Ready", .message = ""};

Readiness not_ready(std::string reason, std::string message) {
  return {.ready = false, .reason = std::move(reason), .message = std::move(message)};
}

Readiness absent(const std::string& kind, const std::string& name) {
  return not_ready("Creating", kind + " " + name + " does not exist yet");
}

Readiness silent(const World& world, const std::string& component, const std::string& problem) {
  const std::string before =
      reported(world.resource.status, title_case(component) + "Ready").reason;
  return not_ready(before == "Asking" || before == "NoAnswer" ? "NoAnswer" : "Asking", problem);
}

namespace {

/// Reasons of a waiting container, as stable words: the kubelet alternates between a failure and
/// its back-off, and its message counts seconds.
std::string stable_reason(const std::string& reason) {
  static const std::set<std::string> image{"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull",
                                           "InvalidImageName"};
  if (image.contains(reason)) return "ImagePullFailed";
  if (reason == "CrashLoopBackOff") return "CrashLooping";
  return reason;
}

/// Between two crashes a container runs or has just ended; it loops all the same.
bool is_crash_looping(const json& status) {
  if (status.value("ready", false) || integer_at(status, "restartCount") == 0) return false;
  return integer_at(status, "lastState/terminated/exitCode") != 0 ||
         integer_at(status, "state/terminated/exitCode") != 0;
}

/// The container's last words say so (terminationMessagePolicy); the words themselves stay where
/// they are.
bool ended_for_lack_of_room(const json& status) {
  for (const char* state : {"state/terminated/message", "lastState/terminated/message"}) {
    if (string_at(status, state).find("No space left on device") != std::string::npos) return true;
  }
  return false;
}

/// What keeps one container from running; nothing when it runs or merely starts.
std::optional<Readiness> container_problem(const json& pod, const json& status) {
  std::string reason = stable_reason(string_at(status, "state/waiting/reason"));
  if (is_crash_looping(status)) reason = "CrashLooping";
  if (reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing") {
    return std::nullopt;
  }
  const std::string where =
      "pod " + string_at(pod, "metadata/name") + ", container " + string_at(status, "name");
  if (reason == "ImagePullFailed") {
    return not_ready(reason, where + ": image " + string_at(status, "image") +
                                 " cannot be pulled; check its name, its registry and its version");
  }
  if (reason == "CrashLooping" && ended_for_lack_of_room(status)) {
    return not_ready("DiskFull", where + " ends because a volume of it is full; enlarge its claim");
  }
  if (reason == "CrashLooping") {
    return not_ready(reason, where + " ends again and again; see kubectl logs");
  }
  // The kubelet's own text counts attempts and names containers: it would never be the same twice.
  return not_ready(reason, where + " cannot be started; see kubectl describe pod");
}

std::optional<Readiness> scheduling_problem(const json& pod) {
  for (const json& condition : at_path(pod, "status/conditions")) {
    if (string_at(condition, "type") == "PodScheduled" &&
        string_at(condition, "status") == "False") {
      return not_ready("PodNotScheduled", "pod " + string_at(pod, "metadata/name") + ": " +
                                              string_at(condition, "message"));
    }
  }
  return std::nullopt;
}

bool belongs_to(const json& pod, const std::string& workload) {
  return string_at(pod, "metadata/name").rfind(workload + "-", 0) == 0;
}

bool observed(const json& workload) {
  return integer_at(workload, "status/observedGeneration", -1) ==
         integer_at(workload, "metadata/generation");
}

}  // namespace

bool is_gone(const World& world, const std::string& kind, const std::string& name) {
  const json* workload = world.child(kind, name);
  if (workload != nullptr &&
      (!observed(*workload) || integer_at(*workload, "spec/replicas", 1) > 0 ||
       integer_at(*workload, "status/replicas") > 0)) {
    return false;
  }
  return std::none_of(world.pods.begin(), world.pods.end(),
                      [&](const ObjectPtr& pod) { return belongs_to(*pod, name); });
}

/// The first trouble that a pod of this workload is in, or the plain "not yet".
Readiness explain_pods(const World& world, const std::string& kind, const std::string& name) {
  for (const ObjectPtr& pod : world.pods) {
    if (!belongs_to(*pod, name)) continue;
    if (const auto problem = scheduling_problem(*pod)) return *problem;
    for (const char* list : {"status/initContainerStatuses", "status/containerStatuses"}) {
      for (const json& status : at_path(*pod, list)) {
        if (const auto problem = container_problem(*pod, status)) return *problem;
      }
    }
  }
  if (const auto refusal = pod_refusal(world, kind, name)) return *refusal;
  return not_ready("RollingOut", kind + " " + name + " is not rolled out yet");
}

Readiness hibernation_of(const World& world, const std::string& kind, const std::string& name) {
  if (is_gone(world, kind, name)) return kHibernated;
  return not_ready("Stopping", kind + " " + name + " is being stopped");
}

Readiness stateful_set_ready(const World& world, const std::string& name) {
  const json* set = world.child("StatefulSet", name);
  if (set == nullptr) return absent("StatefulSet", name);
  const std::int64_t replicas = integer_at(*set, "spec/replicas", 1);
  const bool ready =
      observed(*set) && integer_at(*set, "status/readyReplicas") >= replicas &&
      integer_at(*set, "status/updatedReplicas") >= replicas &&
      string_at(*set, "status/currentRevision") == string_at(*set, "status/updateRevision");
  return ready ? kReady : explain_pods(world, "StatefulSet", name);
}

Readiness deployment_ready(const World& world, const std::string& name) {
  const json* deployment = world.child("Deployment", name);
  if (deployment == nullptr) return absent("Deployment", name);
  const std::int64_t replicas = integer_at(*deployment, "spec/replicas", 1);
  const bool ready = observed(*deployment) &&
                     integer_at(*deployment, "status/updatedReplicas") >= replicas &&
                     integer_at(*deployment, "status/availableReplicas") >= replicas &&
                     integer_at(*deployment, "status/replicas") == replicas;
  return ready ? kReady : explain_pods(world, "Deployment", name);
}

namespace {

std::optional<Readiness> storage_class_problem(const World& world, const std::string& claim,
                                               const std::string& storage_class) {
  if (!world.storage_classes.are_known) return std::nullopt;
  if (storage_class.empty()) {
    if (!world.storage_classes.default_name.empty()) return std::nullopt;
    return not_ready(
        "NoDefaultStorageClass",
        "claim " + claim + " names no storage class and the cluster has no default one");
  }
  if (world.storage_classes.names.contains(storage_class)) return std::nullopt;
  return not_ready("StorageClassMissing", "claim " + claim + " asks for storage class \"" +
                                              storage_class +
                                              "\", which the cluster does not have");
}

/// Why a bound claim stays smaller than asked for; nothing when it is as asked or will be.
std::optional<Readiness> growth_problem(const World& world, const std::string& name) {
  const json* claim = world.child("PersistentVolumeClaim", name);
  if (claim == nullptr) return std::nullopt;
  const std::string stored = string_at(*claim, "spec/resources/requests/storage");
  const auto& spec = world.tenant.spec;
  const bool is_media = name == manifests::media_claim(world.tenant);
  const std::string asked = is_media ? spec.media.size : spec.database.size;
  if (stored == asked || claim_size(world, name, asked) == asked) return std::nullopt;
  const char* why = world.storage_classes.are_known
                        ? ": its storage class lets no volume grow, and none can shrink"
                        : ": the operator may not read whether its storage class lets volumes "
                          "grow; change the claim by hand";
  return Readiness{
      .ready = true,
      .reason = "VolumeCannotGrow",
      .message = "claim " + name + " stays at " + stored + " instead of " + asked + why};
}

std::optional<Readiness> claim_problem(const World& world, const std::string& name) {
  const json* claim = world.child("PersistentVolumeClaim", name);
  if (claim == nullptr) return absent("PersistentVolumeClaim", name);
  const std::string phase = string_at(*claim, "status/phase");
  if (phase == "Bound") return std::nullopt;
  if (phase == "Lost") {
    return not_ready("VolumeLost",
                     "claim " + name + " has lost its volume; see kubectl describe pvc");
  }
  // Pending is right until a pod uses the claim (WaitForFirstConsumer), unless its class is
  // missing.
  return storage_class_problem(world, name, string_at(*claim, "spec/storageClassName"));
}

}  // namespace

const Readiness kHibernated{
    .ready = false, .reason = "Hibernated", .message = "does not run while the tenant hibernates"};

bool database_is_unused(const World& world) {
  return is_gone(world, "StatefulSet", manifests::homeserver_name(world.tenant)) &&
         workers_are_gone(world) && is_gone(world, "Deployment", manifests::mas_name(world.tenant));
}

std::string claim_size(const World& world, const std::string& name, const std::string& asked) {
  const json* claim = world.child("PersistentVolumeClaim", name);
  if (claim == nullptr) return asked;
  std::string stored = string_at(*claim, "spec/resources/requests/storage");
  const auto now = api::Quantity::parse(stored);
  const auto wanted = api::Quantity::parse(asked);
  if (!now || !wanted || *wanted <= *now) return stored;
  const bool bound = string_at(*claim, "status/phase") == "Bound";
  const bool can_grow =
      world.storage_classes.expandable.contains(string_at(*claim, "spec/storageClassName"));
  return bound && can_grow ? asked : stored;
}

Readiness keys_ready(const World& world) {
  for (const manifests::SecretRecipe& recipe : manifests::keys(world.tenant)) {
    const json* secret = world.child("Secret", recipe.name);
    if (secret == nullptr) return absent("Secret", recipe.name);
    for (const auto& entry : recipe.entries) {
      if (!at_path(*secret, "data").contains(entry.key)) {
        return not_ready("KeysLost", "Secret " + recipe.name + " lacks its key \"" + entry.key +
                                         "\": restore it from a backup");
      }
    }
  }
  return rotation_note(world);
}

Readiness volumes_ready(const World& world) {
  for (const std::string& claim : manifests::claims(world.tenant)) {
    if (const auto problem = claim_problem(world, claim)) return *problem;
  }
  for (const std::string& claim : manifests::claims(world.tenant)) {
    if (const auto note = growth_problem(world, claim)) return *note;
  }
  return kReady;
}

Readiness network_ready(const World& world) {
  for (const manifests::Manifest& policy : manifests::network(world.tenant)) {
    const ChildId id = child_id(policy);
    if (world.child(id.kind, id.name) == nullptr) return absent(id.kind, id.name);
  }
  return kReady;
}

bool homeserver_rolled_out(const World& world) {
  return stateful_set_ready(world, manifests::homeserver_name(world.tenant)).ready;
}

bool gateway_rolled_out(const World& world) {
  return deployment_ready(world, manifests::gateway_name(world.tenant)).ready;
}

bool web_rolled_out(const World& world) {
  return manifests::has_web(world.tenant) &&
         deployment_ready(world, manifests::web_name(world.tenant)).ready;
}

bool gateway_shows_certificate(const World& world) {
  const json* gateway = world.child("Deployment", manifests::gateway_name(world.tenant));
  if (gateway == nullptr) return false;
  const json& annotations = at_path(*gateway, "spec/template/metadata/annotations");
  return annotations.is_object() &&
         annotations.value(manifests::kCertificateSerial, "") == world.tenant.certificate_serial;
}

Readiness homeserver_ready(const World& world) {
  const std::string name = manifests::homeserver_name(world.tenant);
  if (world.tenant.spec.hibernated) return hibernation_of(world, "StatefulSet", name);
  Readiness rollout = stateful_set_ready(world, name);
  if (!rollout.ready) return rollout;
  if (!world.homeserver) return not_ready("NotAsked", "the homeserver has not been asked yet");
  const Answer& answer = *world.homeserver;
  if (!answer.problem.empty()) return silent(world, "homeserver", answer.problem);
  if (answer.version != world.tenant.version) {
    return not_ready("WrongVersion", "the homeserver runs Synapse " + answer.version + ", not " +
                                         world.tenant.version);
  }
  const auto& ids = answer.signing_key_ids;
  if (std::find(ids.begin(), ids.end(), world.signing_key_id) == ids.end()) {
    const bool former = std::any_of(ids.begin(), ids.end(), [&](const std::string& id) {
      return world.tenant.old_signing_keys.contains(id);
    });
    if (former) {
      return not_ready("RollingOut", "the homeserver takes up its new signing key " +
                                         world.signing_key_id + " when it has started anew");
    }
    return not_ready("WrongSigningKey", "the homeserver does not sign with " +
                                            world.signing_key_id + ", the key in Secret " +
                                            manifests::homeserver_keys(world.tenant));
  }
  return kReady;
}

std::string registration_of(const World& world) {
  const auto external = manifests::external_database(world.tenant);
  const std::string database = manifests::database_name(world.tenant);
  const json* claim =
      manifests::has_cloudnative_pg_database(world.tenant)
          ? world.child(kDatabaseCluster, database)
          : world.child("PersistentVolumeClaim", manifests::database_claim(world.tenant));
  const json* secret = world.child("Secret", manifests::administrator_secret(world.tenant));
  const auto uid_of = [](const json* object) {
    return object == nullptr ? "" : string_at(*object, "metadata/uid");
  };
  return fingerprint_of(
      {{"user", manifests::administrator_id(world.tenant)},
       {"volume", world.tenant.spec.external_database ? external->host + "/" + external->database
                                                      : uid_of(claim)},
       {"secret", uid_of(secret)}});
}

bool data_is_untouched(const World& world) {
  const manifests::Tenant& tenant = world.tenant;
  if (!string_at(world.resource.status, "signingKeyId").empty()) return false;
  for (const std::string& server :
       {manifests::database_name(tenant), manifests::homeserver_name(tenant)}) {
    if (world.child("StatefulSet", server) != nullptr) return false;
    if (world.child(kDatabaseCluster, server) != nullptr) return false;
  }
  const std::vector<std::string> claims = manifests::claims(tenant);
  return std::all_of(claims.begin(), claims.end(), [&](const std::string& name) {
    const json* claim = world.child("PersistentVolumeClaim", name);
    if (claim == nullptr) return false;
    const json& annotations = at_path(*claim, "metadata/annotations");
    return annotations.is_object() && annotations.value(manifests::kMadeFor, "") == tenant.uid;
  });
}

Readiness administrator_ready(const World& world) {
  const std::string name = manifests::administrator_secret(world.tenant);
  if (world.child("Secret", name) == nullptr) return absent("Secret", name);
  if (string_at(world.resource.status, "administrator/registration") != registration_of(world)) {
    return not_ready("Registering", "the administrator's account is not made yet");
  }
  return kReady;
}

Readiness gateway_ready(const World& world) {
  const std::string name = manifests::gateway_name(world.tenant);
  if (world.tenant.spec.hibernated) return hibernation_of(world, "Deployment", name);
  Readiness rollout = deployment_ready(world, name);
  if (!rollout.ready) return rollout;
  if (!world.gateway) return not_ready("NotAsked", "the gateway has not been asked yet");
  if (!world.gateway->problem.empty()) return silent(world, "gateway", world.gateway->problem);
  return kReady;
}

Readiness web_ready(const World& world) {
  const manifests::Tenant& tenant = world.tenant;
  if (!manifests::has_web(tenant)) {
    const std::optional<bool>& asked = tenant.spec.web_client.enabled;
    if (asked == false) return {true, "NotServed", "webClient.enabled is false"};
    const std::string missing = "the operator's catalogue names no image for it (images.web)";
    return {!asked.has_value(), asked ? "NoImage" : "NotServed", missing};
  }
  const std::string name = manifests::web_name(tenant);
  if (tenant.spec.hibernated) return hibernation_of(world, "Deployment", name);
  Readiness rollout = deployment_ready(world, name);
  if (!rollout.ready) return rollout;
  if (!world.web) return not_ready("NotAsked", "it is asked once the gateway answers");
  if (!world.web->problem.empty()) return silent(world, "web", world.web->problem);
  return kReady;
}

}  // namespace alphorn::homeserver
