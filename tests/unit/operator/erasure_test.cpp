// What goes, in which order, when a tenant's data goes with it; and what never does.
#include "homeserver/erasure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using testing::HasSubstr;

std::vector<std::string> steps_of(const Rest& rest) {
  std::vector<std::string> lines;
  for (const Step& step : rest.steps) lines.push_back(describe(step));
  return lines;
}

api::CompanyHomeserver resource_with(api::DeletionPolicy policy,
                                     std::vector<std::string> finalizers) {
  api::CompanyHomeserver resource = a_new_tenant().resource;
  resource.spec.deletion_policy = policy;
  resource.finalizers = std::move(finalizers);
  return resource;
}

TEST(Erasure, IsHeldByAFinalizerOnlyWhereItIsAskedFor) {
  using Policy = api::DeletionPolicy;
  EXPECT_EQ(wanted_finalizers(resource_with(Policy::retain, {"other/one"})), std::nullopt);
  EXPECT_EQ(wanted_finalizers(resource_with(Policy::erase, {"alphorn.dev/erase"})), std::nullopt);
  EXPECT_THAT(wanted_finalizers(resource_with(Policy::erase, {"other/one"})).value(),
              testing::ElementsAre("other/one", "alphorn.dev/erase"));
  EXPECT_THAT(
      wanted_finalizers(resource_with(Policy::retain, {"alphorn.dev/erase", "other/one"})).value(),
      testing::ElementsAre("other/one"));
}

TEST(Erasure, IsNotPreparedWhilePausedOrTooLate) {
  api::CompanyHomeserver resource = resource_with(api::DeletionPolicy::erase, {});
  resource.spec.paused = true;
  EXPECT_EQ(wanted_finalizers(resource), std::nullopt);
  resource.spec.paused = false;
  resource.deleting = true;
  EXPECT_EQ(wanted_finalizers(resource), std::nullopt) << "the API server would refuse";
}

TEST(Erasure, IsCalledOffWhilePausedAndWhileUnderWay) {
  api::CompanyHomeserver resource =
      resource_with(api::DeletionPolicy::retain, {"alphorn.dev/erase"});
  resource.spec.paused = true;
  resource.deleting = true;
  EXPECT_THAT(wanted_finalizers(resource).value(), testing::IsEmpty());
}

TEST(Erasure, StopsWhatRunsThenTakesVolumesThenKeys) {
  World world = a_running_tenant();
  world.pods.emplace_back(std::make_shared<const json>(
      json{{"kind", "Pod"}, {"metadata", {{"name", "acme-homeserver-0"}}}}));
  Rest rest = rest_of(world);
  EXPECT_THAT(steps_of(rest), testing::UnorderedElementsAre("delete Deployment acme-gateway",
                                                            "delete Deployment acme-web",
                                                            "delete StatefulSet acme-database",
                                                            "delete StatefulSet acme-homeserver"));
  EXPECT_THAT(rest.waits_for, HasSubstr("Pod acme-homeserver-0"));

  for (const Step& step : rest.steps) carry_out(step, world);
  rest = rest_of(world);
  EXPECT_THAT(steps_of(rest), testing::IsEmpty());
  EXPECT_EQ(rest.waits_for, "Pod acme-homeserver-0") << "a pod may still write";

  world.pods.clear();
  rest = rest_of(world);
  EXPECT_THAT(steps_of(rest),
              testing::UnorderedElementsAre("erase PersistentVolumeClaim acme-database-data",
                                            "erase PersistentVolumeClaim acme-media"));
  change(world, "PersistentVolumeClaim", "acme-media",
         [](json& claim) { claim["metadata"]["deletionTimestamp"] = "2026-11-25T12:00:00Z"; });
  EXPECT_THAT(steps_of(rest_of(world)),
              testing::ElementsAre("erase PersistentVolumeClaim acme-database-data"));
  world.children.erase({.kind = "PersistentVolumeClaim", .name = "acme-database-data"});
  rest = rest_of(world);
  EXPECT_TRUE(rest.steps.empty()) << "no key goes while a volume is there";
  EXPECT_EQ(rest.waits_for, "PersistentVolumeClaim acme-media");

  world.children.erase({.kind = "PersistentVolumeClaim", .name = "acme-media"});
  rest = rest_of(world);
  EXPECT_THAT(steps_of(rest), testing::UnorderedElementsAre("erase Secret acme-administrator",
                                                            "erase Secret acme-database-keys",
                                                            "erase Secret acme-database-login",
                                                            "erase Secret acme-homeserver-keys"));
  for (const Step& step : rest.steps) carry_out(step, world);
  EXPECT_EQ(rest_of(world).waits_for, "");
}

TEST(Erasure, LeavesWhatTheCompanyBroughtAndWhatIsSomebodyElses) {
  World world = a_running_tenant();
  for (const char* workload : {"acme-database", "acme-homeserver"}) {
    world.children.erase({.kind = "StatefulSet", .name = workload});
  }
  for (const char* workload : {"acme-gateway", "acme-web"}) {
    world.children.erase({.kind = "Deployment", .name = workload});
  }
  const json brought = {
      {"kind", "Secret"},
      {"metadata", {{"name", "our-certificate"}, {"labels", {{"alphorn.dev/tenant", "acme"}}}}}};
  world.children.insert_or_assign(child_id(brought), std::make_shared<const json>(brought));
  change(world, "PersistentVolumeClaim", "acme-media", [](json& claim) {
    claim["metadata"]["ownerReferences"] = json::array({{{"uid", "other"}, {"controller", true}}});
  });
  EXPECT_THAT(steps_of(rest_of(world)),
              testing::ElementsAre("erase PersistentVolumeClaim acme-database-data"));
  world.children.erase({.kind = "PersistentVolumeClaim", .name = "acme-database-data"});
  EXPECT_THAT(rest_of(world).waits_for, testing::Not(HasSubstr("our-certificate")));
}

TEST(Erasure, NoOtherPlanEverErasesAnything) {
  World world = a_running_tenant();
  world.resource.spec.deletion_policy = api::DeletionPolicy::erase;
  world.tenant.spec.deletion_policy = api::DeletionPolicy::erase;
  EXPECT_TRUE(plan_of(world).empty()) << "the policy alone changes nothing";
}

TEST(Erasure, WaitsForALastBackupWhereOneIsAskedFor) {
  World world = a_running_tenant();
  EXPECT_FALSE(last_backup_of(world).has_value());
  world.tenant.spec.deletion_policy = api::DeletionPolicy::final_backup;
  auto last = last_backup_of(world);
  ASSERT_TRUE(last.has_value());
  EXPECT_FALSE(last->is_there);
  const std::string name = string_at(last->manifest, "metadata/name");
  EXPECT_EQ(name, "acme-final-" + world.tenant.uid.substr(0, 8));

  api::HomeserverRun run{.kind = api::kHomeserverBackup, .name = name, .job = {}, .set = {}};
  run.status = {{"phase", "Failed"}, {"message", "no room"}};
  world.backups = {run};
  last = last_backup_of(world);
  ASSERT_TRUE(last.has_value());
  EXPECT_TRUE(last->is_there);
  EXPECT_THAT(last->waits_for, HasSubstr("no room; it failed: delete it"));

  world.backups[0].status = {{"phase", "Complete"}};
  EXPECT_FALSE(last_backup_of(world).has_value());
}

TEST(Erasure, LeavesWhatOpensBackups) {
  World world = a_running_tenant();
  world.children.clear();
  world.pods.clear();
  const json password = {
      {"kind", "Secret"},
      {"metadata",
       {{"name", "acme-backup"},
        {"labels", {{"alphorn.dev/tenant", "acme"}, {"alphorn.dev/keep", "true"}}}}}};
  world.children.insert_or_assign(child_id(password), std::make_shared<const json>(password));
  EXPECT_EQ(rest_of(world).waits_for, "");
}

TEST(Erasure, IsToldInTheStatusWithoutTrouble) {
  World world = a_running_tenant();
  world.resource.deleting = true;
  const json status = summarize_erasure(world, rest_of(world).waits_for, {}, kNow);
  EXPECT_EQ(reported(status, "Ready").reason, "Erasing");
  EXPECT_THAT(reported(status, "Ready").message, HasSubstr("StatefulSet acme-database"));
  EXPECT_FALSE(is_trouble(status));
  const json failed = summarize_erasure(
      world, "Secret acme-homeserver-keys",
      {{"cleanUp", {.reason = "Failed", .message = "the API server does not answer"}}}, kNow);
  EXPECT_THAT(reported(failed, "Ready").message, HasSubstr("does not answer"));
}

}  // namespace
}  // namespace alphorn::homeserver::test
