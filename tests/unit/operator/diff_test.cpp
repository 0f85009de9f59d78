#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using testing::HasSubstr;

std::vector<std::string> steps_of(const Plan& plan) {
  std::vector<std::string> lines;
  for (const ComponentPlan& component : plan.components) {
    for (const Step& step : component.steps) lines.push_back(describe(step));
  }
  for (const Step& step : plan.clean_up) lines.push_back(describe(step));
  return lines;
}

TEST(Diff, NewTenantStartsWithWhatNeedsNothing) {
  const Plan plan = plan_of(a_new_tenant());
  EXPECT_THAT(steps_of(plan), testing::Contains("apply PersistentVolumeClaim acme-media"));
  EXPECT_THAT(steps_of(plan), testing::Contains("issue certificate Secret acme-gateway-tls"));
  EXPECT_THAT(steps_of(plan), testing::Contains("apply Service acme-gateway"));
  EXPECT_EQ(readiness_of(plan, "keys").message, "waits until volumes is ready");
  EXPECT_EQ(readiness_of(plan, "database").message, "waits until volumes is ready");
}

TEST(Diff, ComesToRestAndHasNothingToDoThen) {
  World world = a_new_tenant();
  EXPECT_GT(converge(world), 1);
  const Plan plan = plan_of(world);
  EXPECT_TRUE(plan.empty());
  EXPECT_TRUE(is_ready(summarize(world, plan, {}, kNow)));
}

TEST(Diff, CrashAfterAnyStepEndsInTheSameState) {
  const World undisturbed = a_running_tenant();
  for (int crash_after = 1; crash_after < 40; ++crash_after) {
    World world = a_new_tenant();
    int done = 0;
    // One step a pass: every pass but the first step of it is lost.
    for (Plan plan = plan_of(world); !plan.empty() && done < crash_after; plan = plan_of(world)) {
      for (const ComponentPlan& component : plan.components) {
        if (component.steps.empty()) continue;
        carry_out(component.steps.front(), world);
        break;
      }
      ++done;
    }
    converge(world);
    ASSERT_EQ(world.children.size(), undisturbed.children.size()) << crash_after;
    for (const auto& [id, object] : undisturbed.children) {
      EXPECT_TRUE(world.children.contains(id)) << id.display() << " after " << crash_after;
    }
  }
}

TEST(Diff, DeletedChildIsMadeAgain) {
  for (const auto& [id, object] : a_running_tenant().children) {
    if (id.name.ends_with("-keys")) continue;  // never drawn again: see below
    World world = a_running_tenant();
    world.children.erase(id);
    EXPECT_FALSE(plan_of(world).empty()) << id.display();
    converge(world);
    EXPECT_TRUE(world.children.contains(id)) << id.display();
  }
}

bool may_draw(const World& world, const std::string& name) {
  for (const ComponentPlan& component : plan_of(world).components) {
    for (const Step& step : component.steps) {
      const auto* create = std::get_if<CreateSecret>(&step);
      if (create != nullptr && create->recipe.name == name) return create->may_draw;
    }
  }
  ADD_FAILURE() << "no step makes " << name;
  return true;
}

void lose(World& world, const std::string& kind, const std::string& name) {
  world.children.erase({.kind = kind, .name = name});
}

TEST(Diff, KeysAreDrawnOnlyForClaimsThatNobodyUsedYet) {
  World fresh = a_new_tenant();
  for (const ComponentPlan& component : plan_of(fresh).components) {
    for (const Step& step : component.steps) carry_out(step, fresh);
  }
  EXPECT_TRUE(may_draw(fresh, "acme-homeserver-keys"));
  EXPECT_TRUE(may_draw(fresh, "acme-database-keys"));

  World restored = fresh;  // by whom and from where, nobody can tell
  change(restored, "PersistentVolumeClaim", "acme-media",
         [](json& claim) { claim["metadata"]["annotations"].erase("alphorn.dev/made-for"); });
  EXPECT_FALSE(may_draw(restored, "acme-homeserver-keys"));
  EXPECT_TRUE(may_draw(restored, "acme-administrator")) << "a password opens no old data";

  World of_a_former_tenant = fresh;
  change(of_a_former_tenant, "PersistentVolumeClaim", "acme-database-data", [](json& claim) {
    claim["metadata"]["annotations"]["alphorn.dev/made-for"] = "another-uid";
  });
  EXPECT_FALSE(may_draw(of_a_former_tenant, "acme-database-keys"));

  World reported = fresh;
  reported.resource.status["signingKeyId"] = "ed25519:a_test";
  EXPECT_FALSE(may_draw(reported, "acme-homeserver-keys"));
}

TEST(Diff, LostKeysOfARunningTenantAreNotDrawnAgain) {
  for (const char* name : {"acme-homeserver-keys", "acme-database-keys"}) {
    World world = a_running_tenant();
    lose(world, "Secret", name);
    EXPECT_FALSE(may_draw(world, name));
    lose(world, "StatefulSet", "acme-database");
    EXPECT_FALSE(may_draw(world, name)) << "the other server was started";
  }
}

TEST(Diff, AdministratorIsMadeAgainWithItsDatabaseOrItsPassword) {
  const auto registers = testing::Contains("register administrator admin");
  const World settled = a_running_tenant();
  EXPECT_THAT(steps_of(plan_of(settled)), testing::Not(registers));
  for (const auto& [kind, name] : std::map<std::string, std::string>{
           {"PersistentVolumeClaim", "acme-database-data"}, {"Secret", "acme-administrator"}}) {
    World world = settled;
    change(world, kind, name, [](json& object) { object["metadata"]["uid"] = "another"; });
    EXPECT_THAT(steps_of(plan_of(world)), registers) << name;
  }
}

TEST(Diff, LostLabelOfAKeySecretIsMendedWithoutTouchingItsValues) {
  World world = a_running_tenant();
  change(world, "Secret", "acme-homeserver-keys",
         [](json& secret) { secret["metadata"]["labels"].erase("alphorn.dev/keep"); });
  const Plan plan = plan_of(world);
  EXPECT_THAT(steps_of(plan), testing::ElementsAre("apply Secret acme-homeserver-keys"));
  EXPECT_FALSE(std::get<Apply>(plan.components.at(2).steps.front()).manifest.contains("data"));
}

TEST(Diff, VolumeThatCannotGrowIsLeftAsItIsAndHoldsNothingUp) {
  World world = a_running_tenant();
  world.tenant.spec.media.size = "99Gi";
  const Plan plan = plan_of(world);
  EXPECT_TRUE(plan.empty()) << plan;
  EXPECT_EQ(readiness_of(plan, "volumes").reason, "VolumeCannotGrow");
  EXPECT_TRUE(is_ready(summarize(world, plan, {}, kNow)));
}

TEST(Diff, VolumeGrowsWhereItsClassLetsIt) {
  World world = a_running_tenant();
  world.tenant.spec.media.size = "99Gi";
  world.storage_classes.expandable = {"standard"};
  EXPECT_THAT(steps_of(plan_of(world)),
              testing::ElementsAre("apply PersistentVolumeClaim acme-media"));
}

TEST(Diff, WhoMayNotReadClassesChecksNoneAndGrowsNothing) {
  World world = a_running_tenant();
  world.storage_classes = {.names = {}, .expandable = {}, .default_name = "", .are_known = false};
  EXPECT_TRUE(plan_of(world).empty());
  world.tenant.spec.media.size = "99Gi";
  const Plan plan = plan_of(world);
  EXPECT_TRUE(plan.empty()) << plan;
  EXPECT_THAT(readiness_of(plan, "volumes").message, testing::HasSubstr("may not read"));
}

TEST(Diff, ClaimKeepsItsClassWhenTheDefaultMoves) {
  World world = a_running_tenant();
  world.storage_classes.default_name = "other";
  world.tenant.spec.media.storage_class = "third";
  EXPECT_TRUE(plan_of(world).empty());
}

TEST(Diff, EditedFieldIsPutBackAndForeignFieldsAreLeftAlone) {
  World world = a_running_tenant();
  change(world, "Service", "acme-homeserver", [](json& service) {
    service["metadata"]["annotations"]["somebody.else/note"] = "mine";
    service["spec"]["sessionAffinity"] = "ClientIP";
  });
  EXPECT_TRUE(plan_of(world).empty());
  change(world, "Service", "acme-homeserver",
         [](json& service) { service["spec"]["ports"][0]["port"] = 1; });
  EXPECT_THAT(steps_of(plan_of(world)), testing::ElementsAre("apply Service acme-homeserver"));
}

TEST(Diff, ObjectOfAnotherOwnerIsNotTouched) {
  World world = a_running_tenant();
  change(world, "StatefulSet", "acme-database", [](json& set) {
    set["metadata"]["ownerReferences"] = json::array({{{"uid", "other"}, {"controller", true}}});
  });
  const Plan plan = plan_of(world);
  EXPECT_TRUE(plan.empty());
  EXPECT_EQ(readiness_of(plan, "database").reason, "ObjectNotOurs");
}

TEST(Diff, ObjectBeingDeletedIsWaitedFor) {
  World world = a_running_tenant();
  change(world, "Deployment", "acme-gateway", [](json& deployment) {
    deployment["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z";
  });
  const Plan plan = plan_of(world);
  EXPECT_TRUE(plan.empty());
  EXPECT_THAT(readiness_of(plan, "gateway").message, HasSubstr("is being deleted"));
}

TEST(Diff, LeftoverOfOursIsRemovedWithPreconditions) {
  World world = a_running_tenant();
  json leftover = *world.child("ConfigMap", "acme-ca");
  leftover["metadata"]["name"] = "acme-former";
  leftover["metadata"]["resourceVersion"] = "7";
  world.children.insert_or_assign(child_id(leftover), std::make_shared<const json>(leftover));
  const Plan plan = plan_of(world);
  ASSERT_EQ(plan.clean_up.size(), 1U);
  EXPECT_EQ(std::get<Delete>(plan.clean_up[0]).resource_version, "7");
}

TEST(Diff, EditedPolicyIsPutBack) {
  World world = a_running_tenant();
  change(world, "NetworkPolicy", "acme-database", [](json& policy) {
    policy["spec"]["ingress"][0]["ports"].push_back({{"protocol", "TCP"}, {"port", 22}});
  });
  EXPECT_THAT(steps_of(plan_of(world)), testing::ElementsAre("apply NetworkPolicy acme-database"));
}

TEST(Diff, PoliciesGoWhenTheyAreSwitchedOffAlsoWhileTheTenantIsNotReady) {
  World world = a_running_tenant();
  world.gateway = Answer{.problem = "the gateway cannot be reached"};
  EXPECT_TRUE(plan_of(world).empty());
  world.tenant.spec.network_policies = false;
  EXPECT_THAT(steps_of(plan_of(world)),
              testing::UnorderedElementsAre(
                  "delete NetworkPolicy acme-database", "delete NetworkPolicy acme-database-check",
                  "delete NetworkPolicy acme-gateway", "delete NetworkPolicy acme-homeserver",
                  "delete NetworkPolicy acme-web"));
  converge(world);
  EXPECT_EQ(world.child("NetworkPolicy", "acme-database"), nullptr);
}

TEST(Diff, CertificateIsRenewedAtTwoThirdsOfItsLife) {
  const World world = a_running_tenant();
  using std::chrono::hours;
  EXPECT_TRUE(plan_of(world, kNow + hours(24 * 59)).empty());
  EXPECT_THAT(steps_of(plan_of(world, kNow + hours(24 * 61))),
              testing::ElementsAre("issue certificate Secret acme-gateway-tls"));
}

TEST(Diff, CertificateFollowsHostsAndAuthority) {
  World world = a_running_tenant();
  world.certificate_is_usable = false;
  EXPECT_EQ(steps_of(plan_of(world)).size(), 1U);
  world = a_running_tenant();
  world.tenant.spec.matrix_host = "m.acme.example";
  EXPECT_THAT(steps_of(plan_of(world)),
              testing::Contains("issue certificate Secret acme-gateway-tls"));
}

TEST(Diff, StuckPodOfAnOldRevisionIsDeleted) {
  World world = a_running_tenant();
  world.pods.push_back(std::make_shared<const json>(json{
      {"kind", "Pod"},
      {"metadata",
       {{"name", "acme-homeserver-0"},
        {"uid", "p"},
        {"labels", {{"controller-revision-hash", "r0"}}},
        {"ownerReferences",
         json::array(
             {{{"kind", "StatefulSet"}, {"name", "acme-homeserver"}, {"controller", true}}})}}},
      {"status", {{"conditions", json::array({{{"type", "Ready"}, {"status", "False"}}})}}}}));
  EXPECT_THAT(steps_of(plan_of(world)), testing::ElementsAre("delete Pod acme-homeserver-0"));
}

TEST(Diff, PlanPrintsWithoutValues) {
  std::ostringstream text;
  text << plan_of(a_new_tenant());
  EXPECT_THAT(text.str(), HasSubstr("volumes: apply PersistentVolumeClaim acme-media\n"));
  EXPECT_THAT(text.str(), HasSubstr("homeserver: Waiting: waits until keys is ready\n"));
}

}  // namespace
}  // namespace alphorn::homeserver::test
