#include "unit/operator/worlds.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "homeserver/calls.hpp"
#include "homeserver/database.hpp"
#include "homeserver/settled.hpp"
#include "homeserver/workers.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver::test {

namespace {

constexpr int kMostPasses = 30;

void roll_out(json& object) {
  const std::int64_t generation = integer_at(object, "metadata/generation") + 1;
  object["metadata"]["generation"] = generation;
  const std::string kind = string_at(object, "kind");
  const std::int64_t replicas = integer_at(object, "spec/replicas", 1);
  if (kind == "StatefulSet") {
    object["status"] = {{"observedGeneration", generation}, {"replicas", replicas},
                        {"readyReplicas", replicas},        {"updatedReplicas", replicas},
                        {"currentRevision", "r1"},          {"updateRevision", "r1"}};
  } else if (kind == "Deployment") {
    object["status"] = {{"observedGeneration", generation},
                        {"updatedReplicas", replicas},
                        {"availableReplicas", replicas},
                        {"replicas", replicas}};
  } else if (kind == "Job") {
    object["status"]["conditions"] = json::array(
        {{{"type", "Complete"}, {"status", "True"}, {"lastTransitionTime", format_time(kNow)}}});
  } else if (kind == "PersistentVolumeClaim") {
    object["status"] = {{"phase", "Bound"}};
  } else if (kind == "Service" && string_at(object, "spec/type") == "NodePort") {
    int number = 30443;
    for (json& port : object["spec"]["ports"]) {
      if (!port.contains("nodePort")) port["nodePort"] = number++;
    }
  }
}

/// The servers answer as soon as their workloads are rolled out, as observe() would ask them.
void ask_servers(World& world) {
  world.homeserver.reset();
  world.gateway.reset();
  observe_workers(world);
  observe_calls(world);
  world.web.reset();
  world.mas.reset();
  world.calls.reset();
  observe_login(world, kFormerLoginStays);
  world.tenant.database_is_unused = database_is_unused(world);
  if (world.tenant.spec.hibernated) return;
  if (homeserver_rolled_out(world)) {
    world.homeserver = Answer{
        .problem = "", .version = world.tenant.version, .signing_key_ids = {world.signing_key_id}};
  }
  if (gateway_rolled_out(world)) world.gateway = Answer{.problem = ""};
  if (world.gateway && web_rolled_out(world)) world.web = Answer{.problem = ""};
  if (world.gateway && mas_rolled_out(world)) world.mas = Answer{.problem = ""};
  if (world.gateway && calls_are_rolled_out(world)) world.calls = CallsAnswer{};
}

struct Performer {
  World& world;

  void store(json object) {
    const ChildId id = child_id(object);
    json merged = json::object();
    if (const json* before = world.child(id.kind, id.name)) merged = *before;
    merged.merge_patch(object);
    merged["metadata"]["uid"] = "uid-of-" + id.name;
    roll_out(merged);
    world.children.insert_or_assign(id, std::make_shared<const json>(std::move(merged)));
  }

  void operator()(const Apply& step) {
    json manifest = step.manifest;
    const bool is_claim = string_at(manifest, "kind") == "PersistentVolumeClaim";
    if (is_claim && !world.children.contains(child_id(manifest))) {
      manifest["metadata"]["annotations"][manifests::kMadeFor] = world.tenant.uid;
    }
    store(std::move(manifest));
  }
  void operator()(const CreateSecret& step) {
    if (!step.may_draw) return;
    json data = json::object();
    for (const auto& entry : step.recipe.entries) data[entry.key] = "eA==";
    store({{"kind", "Secret"}, {"metadata", step.recipe.metadata}, {"data", data}});
    if (step.recipe.name == manifests::homeserver_keys(world.tenant)) {
      world.signing_key_id = "ed25519:a_test";
    }
  }
  void operator()(const RotateKeys& step) {
    if (step.rotations.contains("signing-key")) {
      world.tenant.old_signing_keys[world.signing_key_id] = {{"key", "PUBLIC"}, {"expired_ts", 1}};
      world.signing_key_id += "n";
    }
    for (const auto& [what, wish] : step.rotations) world.rotated[what] = wish;
    world.tenant.keys_rotated = fingerprint_of(world.rotated);
  }
  void operator()(const IssueCertificate& step) {
    store({{"kind", "Secret"}, {"metadata", step.wish.metadata}});
    std::vector<std::string> hosts = step.wish.hosts;
    std::sort(hosts.begin(), hosts.end());
    world.certificate = certificates::Facts{.serial = "01",
                                            .not_before = kNow,
                                            .not_after = kNow + std::chrono::hours(24 * 90),
                                            .hosts = hosts};
    world.certificate_is_usable = true;
    world.tenant.certificate_serial = "01";
  }
  void operator()(const RegisterAdministrator&) {
    world.resource.status["administrator"]["registration"] = registration_of(world);
  }
  void operator()(const WriteLogin& step) {
    store({{"kind", "Secret"}, {"metadata", step.wish.metadata}});
  }
  void operator()(const Delete& step) {
    world.children.erase({.kind = step.kind, .name = step.name});
  }
  void operator()(const Erase& step) { (*this)(step.object); }
};

}  // namespace

World a_new_tenant() {
  World world;
  world.resource = api::company_homeserver_from(
      {{"metadata",
        {{"name", "acme"}, {"namespace", "acme"}, {"uid", "uid-of-acme"}, {"generation", 1}}},
       {"spec", {{"serverName", "acme.example"}, {"version", "1.163.2"}}}});
  world.tenant = {.name = "acme",
                  .ns = "acme",
                  .uid = "uid-of-acme",
                  .spec = world.resource.spec,
                  .version = "1.163.2",
                  .images = {.postgres = "postgres:15",
                             .synapse = "synapse:v1.163.2",
                             .nginx = "nginx:1",
                             .web = "web:1",
                             .redis = "redis:7"},
                  .authority_pem = "PEM",
                  .operator_ns = "alphorn-system"};
  world.seen_at = kNow;
  observe_login(world, kFormerLoginStays);
  world.storage_classes = {.names = {"standard"}, .expandable = {}, .default_name = "standard"};
  return world;
}

void carry_out(const Step& step, World& world) {
  std::visit(Performer{world}, step);
  ask_servers(world);
}

Plan plan_of(const World& world, TimePoint now) {
  Settled nothing;
  return diff(world, now, nothing);
}

int converge(World& world, TimePoint now) {
  for (int pass = 0; pass < kMostPasses; ++pass) {
    const Plan plan = plan_of(world, now);
    if (plan.empty()) return pass;
    for (const ComponentPlan& component : plan.components) {
      for (const Step& step : component.steps) carry_out(step, world);
    }
    for (const Step& step : plan.clean_up) carry_out(step, world);
  }
  ADD_FAILURE() << "does not come to rest:\n" << plan_of(world, now);
  return kMostPasses;
}

World a_running_tenant() {
  World world = a_new_tenant();
  converge(world);
  return world;
}

Readiness readiness_of(const Plan& plan, const std::string& component) {
  for (const ComponentPlan& entry : plan.components) {
    if (entry.component == component) return entry.readiness;
  }
  ADD_FAILURE() << "no component " << component;
  return {};
}

void change(World& world, const std::string& kind, const std::string& name,
            const std::function<void(json&)>& edit) {
  const json* object = world.child(kind, name);
  ASSERT_NE(object, nullptr) << kind << ' ' << name;
  json copy = *object;
  edit(copy);
  world.children.insert_or_assign(ChildId{.kind = kind, .name = name},
                                  std::make_shared<const json>(std::move(copy)));
}

}  // namespace alphorn::homeserver::test
