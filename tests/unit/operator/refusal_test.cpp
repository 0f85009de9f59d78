// What the API server refuses is said in its own words, as long as it does.
#include "homeserver/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using testing::HasSubstr;

constexpr const char* kQuota =
    "create Pod acme-database-0 in StatefulSet acme-database failed error: pods "
    "\"acme-database-0\" is forbidden: exceeded quota: tight, requested: pods=1, used: pods=1, "
    "limited: pods=1";

json event(const std::string& reason, const std::string& time, const std::string& note) {
  return {{"reason", reason}, {"deprecatedLastTimestamp", time}, {"note", note}};
}

void stop_pods(World& world, const std::string& kind, const std::string& name) {
  change(world, kind, name, [](json& workload) {
    workload["status"]["replicas"] = 0;
    workload["status"]["readyReplicas"] = 0;
    workload["status"]["availableReplicas"] = 0;
  });
}

TEST(Refusal, OfAStatefulSetsPodIsNamed) {
  World world = a_running_tenant();
  stop_pods(world, "StatefulSet", "acme-database");
  EXPECT_EQ(readiness_of(plan_of(world), "database").reason, "RollingOut");
  world.refusals["acme-database"] = kQuota;
  const Readiness readiness = readiness_of(plan_of(world), "database");
  EXPECT_EQ(readiness.reason, "QuotaExceeded");
  EXPECT_EQ(readiness.message,
            "StatefulSet acme-database may make no pod: exceeded quota: tight, requested: pods=1, "
            "used: pods=1, limited: pods=1");
  EXPECT_TRUE(is_trouble(summarize(world, plan_of(world), {}, kNow)));
}

TEST(Refusal, OfADeploymentsPodIsNamedWithoutTheNameOfTheTry) {
  World world = a_running_tenant();
  stop_pods(world, "Deployment", "acme-gateway");
  change(world, "Deployment", "acme-gateway", [](json& deployment) {
    deployment["status"]["conditions"] = json::array(
        {{{"type", "ReplicaFailure"},
          {"status", "True"},
          {"message", "pods \"acme-gateway-6d4-x2x\" is forbidden: violates PodSecurity"}}});
  });
  const Readiness readiness = readiness_of(plan_of(world), "gateway");
  EXPECT_EQ(readiness.reason, "PodRefused");
  EXPECT_EQ(readiness.message, "Deployment acme-gateway may make no pod: violates PodSecurity");
}

TEST(Refusal, IsOverWithTheFirstPodThatWasMade) {
  const json refused = event("FailedCreate", "2026-11-25T12:00:05Z", kQuota);
  EXPECT_EQ(last_refusal({}), "");
  EXPECT_EQ(last_refusal({event("SuccessfulCreate", "2026-11-25T12:00:00Z", "made"), refused,
                          event("Other", "2026-11-25T12:00:09Z", "other")}),
            kQuota);
  EXPECT_EQ(last_refusal({refused, event("SuccessfulCreate", "2026-11-25T12:00:06Z", "made")}), "");
}

TEST(Refusal, IsAskedForOnlyWhileAPodIsMissing) {
  World world = a_running_tenant();
  world.seen_at = kNow;
  const auto lacks = [&] {
    return lacks_its_pod(world, *world.child("StatefulSet", "acme-database"));
  };
  change(world, "StatefulSet", "acme-database", [](json& set) {
    set["metadata"]["creationTimestamp"] = format_time(kNow - std::chrono::hours(1));
  });
  EXPECT_FALSE(lacks());
  stop_pods(world, "StatefulSet", "acme-database");
  EXPECT_TRUE(lacks());
  change(world, "StatefulSet", "acme-database",
         [](json& set) { set["metadata"]["creationTimestamp"] = format_time(kNow); });
  EXPECT_FALSE(lacks()) << "it was made a moment ago";
}

TEST(Refusal, OfAContainerForLackOfRoomIsAFullDisk) {
  World world = a_running_tenant();
  stop_pods(world, "StatefulSet", "acme-database");
  const json status = {
      {"name", "postgres"},
      {"restartCount", 3},
      {"lastState",
       {{"terminated",
         {{"exitCode", 1},
          {"message", "PANIC: could not write to file: No space left on device\n"}}}}}};
  world.pods.emplace_back(std::make_shared<const json>(
      json{{"kind", "Pod"},
           {"metadata", {{"name", "acme-database-0"}}},
           {"status", {{"containerStatuses", json::array({status})}}}}));
  const Readiness readiness = readiness_of(plan_of(world), "database");
  EXPECT_EQ(readiness.reason, "DiskFull");
  EXPECT_THAT(readiness.message, HasSubstr("container postgres"));
  EXPECT_THAT(readiness.message, testing::Not(HasSubstr("PANIC"))) << "a log may say anything";
}

}  // namespace
}  // namespace alphorn::homeserver::test
