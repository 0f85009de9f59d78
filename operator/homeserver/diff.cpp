#include <algorithm>
#include <set>

#include "homeserver/backup.hpp"
#include "homeserver/bridges.hpp"
#include "homeserver/database.hpp"
#include "homeserver/plan.hpp"
#include "homeserver/readiness.hpp"
#include "homeserver/rotation.hpp"
#include "homeserver/settled.hpp"
#include "homeserver/workers.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

constexpr const char* kAppliedHash = "alphorn.dev/applied-hash";
constexpr const char* kNetworkPolicy = "NetworkPolicy";
// Kinds whose leftovers may go: nothing here holds a company's data.
const std::set<std::string> kReplaceable{
    "Certificate",         "ConfigMap", "CronJob", "Deployment", "HTTPRoute",   "Ingress", kNetworkPolicy,
    "PodDisruptionBudget", "Secret",    "Service",    "StatefulSet", "TLSRoute"};

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
// g++ deduces this by itself; clang does from release 17 on.
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

/// Why an object that is there cannot be touched now; "" when it can.
std::string hindrance(const json& object, const World& world) {
  const std::string name = child_id(object).display();
  if (is_going(object)) {
    return name + " is being deleted; it is made again once it is gone";
  }
  const std::string owner = controller_uid(object);
  if (!owner.empty() && owner != world.tenant.uid) {
    return name + " belongs to another owner (uid " + owner +
           "); remove it or wait until it is gone";
  }
  return "";
}

/// Labels that a Secret of ours has lost would hide it, and switch off what guards it.
bool metadata_differs(const json& wanted, const json& object) {
  return differs({{"metadata", wanted}}, object);
}

bool certificate_due(const CertificateWish& wish, const World& world, TimePoint now) {
  const json* secret = world.child("Secret", wish.secret_name);
  if (secret == nullptr || metadata_differs(wish.metadata, *secret)) return true;
  if (!world.certificate || !world.certificate_is_usable) return true;
  std::vector<std::string> hosts = wish.hosts;
  std::sort(hosts.begin(), hosts.end());
  return world.certificate->hosts != hosts || renewal_is_due(world, now);
}

/// Collects the steps of one component, and what stands in their way.
class ComponentDiff {
 public:
  ComponentDiff(const World& world, TimePoint now) : world_(world), now_(now) {}

  void add(Wish wish) {
    std::visit(
        Overloaded{[this](json& manifest) { add_manifest(std::move(manifest)); },
                   [this](const manifests::SecretRecipe& recipe) { add_secret(recipe); },
                   [this](const CertificateWish& certificate) { add_certificate(certificate); },
                   [this](const AdministratorWish& account) { add_administrator(account); },
                   [this](const LoginWish& login) { add_login(login); }},
        wish);
  }

  std::vector<Step> steps;
  std::optional<Readiness> obstacle;

 private:
  /// The object that is there; nothing when it is absent. Sets the obstacle when it is not ours.
  const json* present(const std::string& kind, const std::string& name) {
    const json* object = world_.child(kind, name);
    if (object == nullptr) return nullptr;
    if (const std::string why = hindrance(*object, world_); !why.empty()) {
      obstacle = Readiness{.ready = false, .reason = "ObjectNotOurs", .message = why};
    }
    return object;
  }

  void add_manifest(json manifest) {
    const ChildId id = child_id(manifest);
    const json* actual = present(id.kind, id.name);
    if (obstacle) return;
    json wanted = stamped(std::move(manifest));
    if (actual == nullptr || differs(wanted, *actual)) steps.emplace_back(Apply{std::move(wanted)});
  }

  void add_secret(const manifests::SecretRecipe& recipe) {
    const json* actual = present("Secret", recipe.name);
    if (obstacle) return;
    if (actual == nullptr) {
      const bool guards_data = is_kept(json{{"metadata", recipe.metadata}}) &&
                               recipe.name != manifests::administrator_secret(world_.tenant);
      const bool may_draw =
          !guards_data || data_is_untouched(world_) || is_new_to_homeserver(world_, recipe.name) ||
                            is_new_password_of_backup(world_, recipe.name);
      steps.emplace_back(CreateSecret{recipe, may_draw});
    } else if (metadata_differs(recipe.metadata, *actual)) {
      steps.emplace_back(Apply{secret_metadata(recipe)});
    } else {
      auto due = due_rotations(world_, recipe.name);
      if (!due.empty()) steps.emplace_back(RotateKeys{recipe.name, std::move(due)});
    }
  }

  void add_certificate(const CertificateWish& wish) {
    present("Secret", wish.secret_name);
    if (!obstacle && certificate_due(wish, world_, now_))
      steps.emplace_back(IssueCertificate{wish});
  }

  void add_login(const LoginWish& wish) {
    const json* secret = present("Secret", wish.secret_name);
    if (obstacle) return;
    if (secret == nullptr || metadata_differs(wish.metadata, *secret))
      steps.emplace_back(WriteLogin{wish});
  }

  void add_administrator(const AdministratorWish& wish) {
    const json* secret = present("Secret", wish.secret_name);
    if (secret == nullptr || obstacle) return;  // the keys component makes it first
    if (!administrator_ready(world_).ready) steps.emplace_back(RegisterAdministrator{wish});
  }

  const World& world_;
  TimePoint now_;
};

Readiness waiting_for(const std::string& need) {
  return {.ready = false, .reason = "Waiting", .message = "waits until " + need + " is ready"};
}

/// A pod of an old revision that never became ready blocks its StatefulSet for ever: Kubernetes
/// does not replace it when the template is mended (kubernetes issue 67250).
bool is_stuck(const json& pod, const World& world) {
  for (const json& owner : at_path(pod, "metadata/ownerReferences")) {
    if (string_at(owner, "kind") != "StatefulSet") continue;
    const json* set = world.child("StatefulSet", string_at(owner, "name"));
    if (set == nullptr) return false;
    const std::string wanted = string_at(*set, "status/updateRevision");
    const json& labels = at_path(pod, "metadata/labels");
    if (wanted.empty() || !labels.is_object()) return false;
    if (labels.value("controller-revision-hash", wanted) == wanted) return false;
    for (const json& condition : at_path(pod, "status/conditions")) {
      if (string_at(condition, "type") == "Ready") return string_at(condition, "status") != "True";
    }
    return true;
  }
  return false;
}

void remove(const json& object, const World& world, std::vector<Step>& steps) {
  const bool ours = controller_uid(object) == world.tenant.uid;
  if (ours && !is_going(object) && !is_kept(object)) steps.emplace_back(deletion_of(object));
}

/// One whose owner was deleted without it would stand in the way for ever.
void remove_with_orphans(const json& object, const World& world, std::vector<Step>& steps) {
  const bool is_orphan = controller_uid(object).empty();
  if (is_orphan && !is_going(object)) steps.emplace_back(deletion_of(object));
  remove(object, world, steps);
}

void remove_leftovers(const World& world, const Settled& settled, std::vector<Step>& steps) {
  for (const auto& [id, object] : world.children) {
    if (settled.wishes_for(id) || !kReplaceable.contains(id.kind)) continue;
    remove(*object, world, steps);
  }
}

/// Policies that are switched off may be the very reason why the tenant is not ready: they do not
/// wait for it as other leftovers do.
void remove_policies(const World& world, std::vector<Step>& steps) {
  if (world.tenant.spec.network_policies) return;
  for (const auto& [id, object] : world.children) {
    if (id.kind == kNetworkPolicy) remove(*object, world, steps);
  }
}

void remove_stuck_pods(const World& world, std::vector<Step>& steps) {
  for (const ObjectPtr& pod : world.pods) {
    if (!is_going(*pod) && is_stuck(*pod, world)) steps.emplace_back(deletion_of(*pod));
  }
}

void stop_workers(const World& world, std::vector<Step>& steps) {
  for (const auto& [id, object] : world.children) {
    if (id.kind != "StatefulSet" || !must_stop(world, *object)) continue;
    remove_with_orphans(*object, world, steps);
  }
}

void stop_bridges(const World& world, std::vector<Step>& steps) {
  for (const auto& [id, object] : world.children) {
    if (is_leaving_bridge(world, id, object)) remove_with_orphans(*object, world, steps);
  }
}

void remove_checks(const World& world, std::vector<Step>& steps) {
  for (const auto& [id, object] : world.children) {
    if (id.kind == "Job" && check_is_over(world, *object)) remove(*object, world, steps);
  }
}

bool has_workload(const Component& component, const World& world) {
  if (component.workloads == nullptr) return false;
  const std::vector<std::string> names = component.workloads(world.tenant);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return world.child("StatefulSet", name) != nullptr ||
           world.child("Deployment", name) != nullptr ||
           world.child(kDatabaseCluster, name) != nullptr;
  });
}

/// Stopped or closed it must be, whatever is wrong with what it needs.
bool goes_first(const Component& component, const World& world) {
  const api::CompanyHomeserverSpec& spec = world.resource.spec;
  return (spec.hibernated || (spec.fenced && component.is_the_door)) &&
         has_workload(component, world);
}

/// Desires one component and compares; notes it when there is nothing to do about it.
ComponentPlan look_at(const Component& component, const World& world, TimePoint now,
                      const Settled::Inputs& inputs, Settled& settled) {
  ComponentPlan entry{.component = component.name, .steps = {}, .readiness = {}};
  const bool known = settled.holds(component.name, world, inputs);
  if (known && component.ready_by_objects && settled.is_ready(component.name)) {
    entry.readiness = kReady;
    return entry;
  }
  if (!known) {
    std::vector<Wish> wishes = component.desire(world);
    Settled::Wishes seen = Settled::wishes_of(wishes);
    ComponentDiff difference{world, now};
    if (!settled.holds(component.name, seen, world, inputs)) {
      for (Wish& wish : wishes) difference.add(std::move(wish));
    }
    entry.steps = std::move(difference.steps);
    if (difference.obstacle) entry.readiness = *difference.obstacle;
    settled.forget(component.name);
    if (entry.steps.empty() && !difference.obstacle && seen.are_knowable) {
      // One that is ready and has something to say is asked again.
      const bool ready = component.ready_by_objects && component.ready(world) == kReady;
      settled.note(component.name, std::move(seen), ready, world, inputs);
    }
  }
  if (entry.readiness.reason.empty()) entry.readiness = component.ready(world);
  return entry;
}

}  // namespace

bool renewal_is_due(const World& world, TimePoint now) {
  return world.certificate && (now >= certificates::renewal_due(*world.certificate) ||
                               (world.reissue_at && now >= *world.reissue_at));
}

json stamped(json manifest) {
  std::string stamp = fingerprint_of(manifest);
  manifest["metadata"]["annotations"][kAppliedHash] = std::move(stamp);
  return manifest;
}

Delete deletion_of(const json& object) {
  return {.api_version = string_at(object, "apiVersion"),
          .kind = string_at(object, "kind"),
          .name = string_at(object, "metadata/name"),
          .uid = string_at(object, "metadata/uid"),
          .resource_version = string_at(object, "metadata/resourceVersion")};
}

bool is_upkeep(const Step& step) {
  if (std::holds_alternative<WriteLogin>(step)) return true;
  const Apply* apply = std::get_if<Apply>(&step);
  return apply != nullptr && is_of_check(apply->manifest);
}

json secret_metadata(const manifests::SecretRecipe& recipe) {
  return {{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", recipe.metadata}};
}

std::optional<ChildId> wished_id(const Wish& wish) {
  const auto secret = [](const std::string& name) {
    return std::optional<ChildId>{{.kind = "Secret", .name = name}};
  };
  return std::visit(
      Overloaded{
          [](const json& manifest) { return std::optional<ChildId>{child_id(manifest)}; },
          [&](const manifests::SecretRecipe& recipe) { return secret(recipe.name); },
          [&](const CertificateWish& certificate) { return secret(certificate.secret_name); },
          [](const AdministratorWish&) { return std::optional<ChildId>{}; },
          [&](const LoginWish& login) { return secret(login.secret_name); }},
      wish);
}

Plan diff(const World& world, TimePoint now, Settled& settled) {
  Plan plan;
  std::set<std::string> ready;  // or far enough for who needs it
  bool all_ready = true;
  std::set<std::string> asleep;
  const Settled::Inputs inputs = Settled::inputs_of(world, now);
  for (const Component& component : components()) {
    if (component.wanted != nullptr && !component.wanted(world.tenant)) {
      settled.forget(component.name);
      ready.insert(component.name);
      continue;
    }
    const auto missing =
        std::find_if(component.needs.begin(), component.needs.end(),
                     [&](const std::string& need) { return !ready.contains(need); });
    const bool hibernated = world.resource.spec.hibernated;
    const bool lacks = missing != component.needs.end();
    if (lacks && !goes_first(component, world)) {
      const bool sleeps = hibernated && asleep.contains(*missing);
      plan.components.push_back({component.name, {}, sleeps ? kHibernated : waiting_for(*missing)});
      if (sleeps) asleep.insert(component.name);
      all_ready = false;
      continue;
    }
    // Who sleeps writes nothing, and what stops need not wait.
    const bool may_be_held =
        component.held_up != nullptr && !hibernated && !world.resource.spec.paused;
    const auto obstacle = may_be_held ? component.held_up(world) : std::nullopt;
    if (obstacle) {
      plan.components.push_back({component.name, {}, *obstacle});
      all_ready = false;
      continue;
    }
    ComponentPlan entry = look_at(component, world, now, inputs, settled);
    // While paused the steps are not carried out; what runs is judged as it is.
    const bool is_settled = std::all_of(entry.steps.begin(), entry.steps.end(), is_upkeep) ||
                            world.resource.spec.paused;
    const bool is_ready = entry.readiness.ready && is_settled;
    const bool suffices =
        !is_ready && is_settled && component.suffices && component.suffices(world);
    if ((is_ready || suffices) && !lacks) ready.insert(component.name);
    all_ready = all_ready && is_ready;
    if (entry.readiness == kHibernated && is_settled) asleep.insert(component.name);
    plan.components.push_back(std::move(entry));
  }
  remove_stuck_pods(world, plan.clean_up);
  stop_workers(world, plan.clean_up);
  stop_bridges(world, plan.clean_up);
  remove_checks(world, plan.clean_up);
  remove_policies(world, plan.clean_up);
  // By now every component has noted what it wishes for.
  if (all_ready && plan.empty()) {
    remove_leftovers(world, settled, plan.clean_up);
  }
  return plan;
}

bool Plan::empty() const {
  return clean_up.empty() &&
         std::all_of(components.begin(), components.end(),
                     [](const ComponentPlan& component) { return component.steps.empty(); });
}

std::string describe(const Step& step) {
  return std::visit(
      Overloaded{
          [](const Apply& apply) { return "apply " + child_id(apply.manifest).display(); },
          [](const CreateSecret& create) { return "create Secret " + create.recipe.name; },
          [](const RotateKeys& rotation) {
            std::string text = "rotate ";
            for (const auto& [what, wish] : rotation.rotations) text += what + " ";
            return text + "in Secret " + rotation.secret_name;
          },
          [](const IssueCertificate& issue) {
            return "issue certificate Secret " + issue.wish.secret_name;
          },
          [](const RegisterAdministrator& account) {
            return "register administrator " + account.wish.localpart;
          },
          [](const WriteLogin& login) { return "write login Secret " + login.wish.secret_name; },
          [](const Delete& removal) { return "delete " + removal.kind + " " + removal.name; },
          [](const Erase& erasure) {
            return "erase " + erasure.object.kind + " " + erasure.object.name;
          }},
      step);
}

std::ostream& operator<<(std::ostream& out, const Plan& plan) {
  for (const ComponentPlan& component : plan.components) {
    for (const Step& step : component.steps)
      out << component.component << ": " << describe(step) << '\n';
    if (!component.readiness.ready) {
      out << component.component << ": " << component.readiness.reason << ": "
          << component.readiness.message << '\n';
    }
  }
  for (const Step& step : plan.clean_up) out << "clean-up: " << describe(step) << '\n';
  return out;
}

}  // namespace alphorn::homeserver
