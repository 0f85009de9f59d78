// Everything stops, nothing is lost, and everything comes back.
#include <gtest/gtest.h>

#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

void hibernate(World& world, bool wish) {
  world.resource.spec.hibernated = wish;
  world.tenant.spec.hibernated = wish;
  ++world.resource.generation;
}

json status_of(const World& world) { return summarize(world, plan_of(world), {}, kNow); }

World a_hibernated_tenant() {
  World world = a_running_tenant();
  world.resource.status = status_of(world);
  hibernate(world, true);
  converge(world);
  world.resource.status = status_of(world);
  return world;
}

std::int64_t replicas(const World& world, const std::string& kind, const std::string& name) {
  const json* workload = world.child(kind, name);
  return workload == nullptr ? -1 : integer_at(*workload, "spec/replicas", 1);
}

json pod(const std::string& name) { return {{"kind", "Pod"}, {"metadata", {{"name", name}}}}; }

TEST(Hibernation, StopsEveryWorkloadAndKeepsAllElse) {
  const World before = a_running_tenant();
  const World world = a_hibernated_tenant();
  EXPECT_EQ(replicas(world, "StatefulSet", "acme-database"), 0);
  EXPECT_EQ(replicas(world, "StatefulSet", "acme-homeserver"), 0);
  EXPECT_EQ(replicas(world, "Deployment", "acme-gateway"), 0);
  EXPECT_EQ(world.children.size(), before.children.size());
}

TEST(Hibernation, IsNoTroubleAndNotReady) {
  const json status = a_hibernated_tenant().resource.status;
  EXPECT_EQ(reported(status, "Ready").status, "False");
  EXPECT_EQ(reported(status, "Ready").reason, "Hibernated");
  EXPECT_EQ(reported(status, "Reconciling").status, "False");
  EXPECT_EQ(reported(status, "Stalled").status, "False");
  EXPECT_TRUE(is_hibernated(status));
  EXPECT_FALSE(is_trouble(status));
  EXPECT_EQ(string_at(status, "address"), "https://matrix.acme.example");
  EXPECT_EQ(string_at(status, "administrator/userId"), "@admin:acme.example");
}

TEST(Hibernation, StopsTheDatabaseAfterTheHomeserversLastPod) {
  World world = a_running_tenant();
  hibernate(world, true);
  world.pods.emplace_back(std::make_shared<const json>(pod("acme-homeserver-0")));
  converge(world);
  EXPECT_EQ(replicas(world, "StatefulSet", "acme-homeserver"), 0);
  EXPECT_EQ(replicas(world, "StatefulSet", "acme-database"), 1);
  EXPECT_EQ(reported(status_of(world), "HomeserverReady").reason, "Stopping");
  world.pods.clear();
  world.tenant.database_is_unused = database_is_unused(world);
  converge(world);
  EXPECT_EQ(replicas(world, "StatefulSet", "acme-database"), 0);
}

TEST(Hibernation, StopsAlsoWhatCannotRun) {
  World world = a_running_tenant();
  change(world, "StatefulSet", "acme-database",
         [](json& set) { set["status"]["readyReplicas"] = 0; });
  hibernate(world, true);
  converge(world);
  EXPECT_TRUE(is_hibernated(status_of(world)));
}

TEST(Hibernation, EndsWhereItBegan) {
  World world = a_hibernated_tenant();
  hibernate(world, false);
  converge(world);
  EXPECT_TRUE(is_ready(status_of(world)));
  const World undisturbed = a_running_tenant();
  for (const auto& [id, object] : undisturbed.children) {
    const json* back = world.child(id.kind, id.name);
    ASSERT_NE(back, nullptr) << id.display();
    EXPECT_EQ(at_path(*back, "spec"), at_path(*object, "spec")) << id.display();
  }
}

TEST(Hibernation, FromTheBeginningMakesNothingThatCannotBeDrawnLater) {
  World world = a_new_tenant();
  hibernate(world, true);
  converge(world);
  EXPECT_TRUE(is_hibernated(status_of(world)));
  hibernate(world, false);
  converge(world);
  EXPECT_TRUE(is_ready(status_of(world)));
}

TEST(Hibernation, HasNothingToDoAtRest) {
  const World world = a_hibernated_tenant();
  EXPECT_TRUE(plan_of(world).empty()) << plan_of(world);
  EXPECT_FALSE(status_differs(status_of(world), world.resource.status));
}

}  // namespace
}  // namespace alphorn::homeserver::test
