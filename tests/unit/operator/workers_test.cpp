// Workers come and go; two layouts never run at a time.
#include "homeserver/workers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifests/workers.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using api::WorkerRole;

json status_of(const World& world) { return summarize(world, plan_of(world), {}, kNow); }

void ask_for(World& world, WorkerRole role, int count) {
  world.resource.spec.workers.counts[role] = count;
  world.tenant.spec.workers.counts[role] = count;
  ++world.resource.generation;
}

World with(WorkerRole role, int count) {
  World world = a_running_tenant();
  ask_for(world, role, count);
  converge(world);
  return world;
}

std::vector<std::string> steps_of(const World& world, const std::string& component) {
  std::vector<std::string> lines;
  for (const ComponentPlan& entry : plan_of(world).components) {
    if (entry.component != component) continue;
    for (const Step& step : entry.steps) lines.push_back(describe(step));
  }
  return lines;
}

ObjectPtr pod_of(const World& world, const std::string& set) {
  json metadata = at_path(*world.child("StatefulSet", set), "spec/template/metadata");
  metadata["name"] = set + "-0";
  return std::make_shared<const json>(json{{"kind", "Pod"}, {"metadata", metadata}});
}

TEST(Workers, AreNotSpokenOfWhereThereAreNone) {
  const json status = status_of(a_running_tenant());
  EXPECT_TRUE(is_ready(status));
  EXPECT_EQ(reported(status, "WorkersReady").status, "");
  EXPECT_EQ(reported(status, "RedisReady").status, "");
}

TEST(Workers, ComeWithRedisAndGoWithIt) {
  World world = with(WorkerRole::sync, 2);
  EXPECT_TRUE(is_ready(status_of(world)));
  EXPECT_EQ(reported(status_of(world), "WorkersReady").status, "True");
  ASSERT_NE(world.child("StatefulSet", "acme-sync"), nullptr);
  ASSERT_NE(world.child("PodDisruptionBudget", "acme-sync"), nullptr);
  ASSERT_NE(world.child("Secret", "acme-worker-keys"), nullptr);
  ask_for(world, WorkerRole::sync, 0);
  converge(world);
  EXPECT_TRUE(is_ready(status_of(world)));
  const World before = a_running_tenant();
  for (const auto& [id, object] : world.children) {
    EXPECT_NE(before.child(id.kind, id.name), nullptr) << id.display() << " is left";
  }
}

TEST(Workers, OfAFormerLayoutStopBeforeTheMainProcessRolls) {
  World world = with(WorkerRole::persister, 1);
  const json before = at_path(*world.child("StatefulSet", "acme-homeserver"), "spec/template");
  world.pods.push_back(pod_of(world, "acme-persister"));
  ask_for(world, WorkerRole::persister, 2);
  EXPECT_EQ(reported(status_of(world), "HomeserverReady").reason, "Stopping");
  EXPECT_THAT(steps_of(world, "homeserver"), testing::IsEmpty());
  converge(world);
  // Its set is gone by now, and its pod is not.
  EXPECT_EQ(world.child("StatefulSet", "acme-persister"), nullptr);
  EXPECT_EQ(at_path(*world.child("StatefulSet", "acme-homeserver"), "spec/template"), before);
  world.pods.clear();
  converge(world);
  EXPECT_NE(at_path(*world.child("StatefulSet", "acme-homeserver"), "spec/template"), before);
  EXPECT_EQ(integer_at(*world.child("StatefulSet", "acme-persister"), "spec/replicas"), 2);
  EXPECT_TRUE(is_ready(status_of(world)));
}

TEST(Workers, OfTheSameLayoutFollowTheMainProcess) {
  World world = with(WorkerRole::sync, 1);
  world.pods.push_back(pod_of(world, "acme-sync"));
  world.resource.spec.max_upload_size = world.tenant.spec.max_upload_size = "77M";
  EXPECT_THAT(steps_of(world, "homeserver"), testing::Not(testing::IsEmpty()));
  EXPECT_THAT(steps_of(world, "workers"), testing::IsEmpty());
  converge(world);
  EXPECT_TRUE(is_ready(status_of(world)));
}

TEST(Workers, KeepTheDatabaseUntilTheirLastPodIsGone) {
  World world = with(WorkerRole::creator, 1);
  EXPECT_FALSE(workers_are_gone(world));
  world.resource.spec.hibernated = world.tenant.spec.hibernated = true;
  world.pods.push_back(pod_of(world, "acme-creator"));
  converge(world);
  EXPECT_EQ(integer_at(*world.child("StatefulSet", "acme-creator"), "spec/replicas"), 0);
  EXPECT_FALSE(workers_are_gone(world));
  world.pods.clear();
  EXPECT_TRUE(workers_are_gone(world));
  EXPECT_TRUE(is_hibernated(status_of(world)));
}

TEST(Workers, ThatAreWantedNoMoreStopWhileTheTenantSleeps) {
  World world = with(WorkerRole::sync, 1);
  world.resource.spec.hibernated = world.tenant.spec.hibernated = true;
  ask_for(world, WorkerRole::sync, 0);
  converge(world);
  EXPECT_EQ(world.child("StatefulSet", "acme-sync"), nullptr);
  EXPECT_EQ(world.child("StatefulSet", "acme-redis"), nullptr);
  EXPECT_TRUE(workers_are_gone(world));
  EXPECT_TRUE(is_hibernated(status_of(world)));
}

TEST(Workers, OfAFormerLayoutGoAlsoWithoutAnOwner) {
  World world = with(WorkerRole::persister, 1);
  change(world, "StatefulSet", "acme-persister",
         [](json& set) { set["metadata"].erase("ownerReferences"); });
  ask_for(world, WorkerRole::persister, 2);
  converge(world);
  EXPECT_TRUE(is_ready(status_of(world)));
  EXPECT_EQ(integer_at(*world.child("StatefulSet", "acme-persister"), "spec/replicas"), 2);
}

TEST(Workers, NeedAReleaseThatKnowsThem) {
  World world = a_running_tenant();
  ask_for(world, WorkerRole::sync, 1);
  world.tenant.version = "1.120.0";
  converge(world);
  const Readiness said = readiness_of(plan_of(world), "homeserver");
  EXPECT_EQ(said.reason, "ReleaseTooOld");
  EXPECT_THAT(said.message, testing::HasSubstr("1.120.0"));
}

TEST(Workers, GetASecretAnewByAnnotationAndNobodyElseDoes) {
  World world = with(WorkerRole::sync, 1);
  world.resource.rotations = {{"replication-secret", "first"}};
  EXPECT_THAT(steps_of(world, "keys"),
              testing::ElementsAre("rotate replication-secret in Secret acme-worker-keys"));
  World alone = a_running_tenant();
  alone.resource.rotations = {{"replication-secret", "first"}};
  EXPECT_TRUE(plan_of(alone).empty());
  EXPECT_EQ(reported(status_of(alone), "KeysReady").reason, "RotationNotNeeded");
}

TEST(Workers, ThatDoNotRunAreNamed) {
  World world = with(WorkerRole::sync, 1);
  change(world, "StatefulSet", "acme-sync", [](json& set) { set["status"]["readyReplicas"] = 0; });
  const json status = status_of(world);
  EXPECT_EQ(reported(status, "Ready").reason, "WorkersNotReady");
  EXPECT_EQ(reported(status, "GatewayReady").status, "False");
}

}  // namespace
}  // namespace alphorn::homeserver::test
