// A bridge comes after the homeserver knows it, and goes before the homeserver forgets it.
#include "homeserver/bridges.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifests/bridges.hpp"
#include "manifests/vocabulary.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

json status_of(const World& world) { return summarize(world, plan_of(world), {}, kNow); }

void ask_for(World& world, const json& bridges) {
  const json object = {{"spec", {{"serverName", "acme.example"}, {"bridges", bridges}}}};
  const auto wanted = api::company_homeserver_from(object).spec.bridges;
  world.resource.spec.bridges = wanted;
  world.tenant.spec.bridges = wanted;
  ++world.resource.generation;
  observe_bridges(world);
}

const json kWhatsapp = json::array({{{"name", "whatsapp"}, {"type", "whatsapp"}}});
const json kSkype = json::array({{{"name", "skype"}, {"type", "skype"}}});

World a_tenant_with(const json& bridges) {
  World world = a_running_tenant();
  world.tenant.images.bridges["whatsapp"] = "registry.example/whatsapp:v0.2608.0";
  ask_for(world, bridges);
  return world;
}

/// Passes until nothing is left to do, with what each of them sees of Secrets.
World converged(World world) {
  do observe_bridges(world);
  while (converge(world) > 0);
  return world;
}

std::vector<std::string> lines_of(const Plan& plan) {
  std::vector<std::string> lines;
  for (const ComponentPlan& component : plan.components) {
    for (const Step& step : component.steps) lines.push_back(describe(step));
  }
  for (const Step& step : plan.clean_up) lines.push_back("clean-up: " + describe(step));
  return lines;
}

TEST(Bridges, AreNotSpokenOfWhereThereAreNone) {
  const json status = status_of(a_running_tenant());
  EXPECT_TRUE(is_ready(status));
  EXPECT_EQ(reported(status, "BridgesReady").status, "");
  EXPECT_FALSE(status.contains("bridges"));
}

TEST(Bridges, HaveTheirKeysDrawnWhileTheCompanysDataIsInUse) {
  World world = a_tenant_with(kWhatsapp);
  for (const ComponentPlan& component : plan_of(world).components) {
    for (const Step& step : component.steps) {
      if (const auto* create = std::get_if<CreateSecret>(&step)) EXPECT_TRUE(create->may_draw);
    }
  }
  EXPECT_THAT(lines_of(plan_of(world)), Contains("create Secret acme-bridge-whatsapp"));
}

TEST(Bridges, KeepKeysThatAHomeserverHasKnown) {
  World world = converged(a_tenant_with(kWhatsapp));
  world.resource.status = status_of(world);
  world.children.erase(ChildId{.kind = "Secret", .name = "acme-bridge-whatsapp"});
  observe_bridges(world);
  EXPECT_FALSE(is_new_to_homeserver(world, "acme-bridge-whatsapp"));
}

TEST(Bridges, KeepThePasskeyThatTokensWereWrittenBy) {
  const json hookshot = json::array({{{"name", "hookshot"}, {"type", "hookshot"}}});
  World world = a_tenant_with(hookshot);
  world.tenant.images.bridges["hookshot"] = "registry.example/hookshot:7.4.4";
  world = converged(std::move(world));
  ASSERT_NE(world.child("Secret", "acme-bridge-hookshot"), nullptr);
  EXPECT_TRUE(is_ready(status_of(world)));
  world.resource.status = status_of(world);
  world.children.erase(ChildId{.kind = "Secret", .name = "acme-bridge-hookshot"});
  observe_bridges(world);
  EXPECT_FALSE(is_new_to_homeserver(world, "acme-bridge-hookshot"));
}

TEST(Bridges, StartOnceTheHomeserverKnowsThem) {
  World world = a_tenant_with(kWhatsapp);
  EXPECT_EQ(readiness_of(plan_of(world), "bridges").message, "waits until homeserver is ready");
  world = converged(std::move(world));
  EXPECT_TRUE(is_ready(status_of(world)));
  const json bridge = status_of(world)["bridges"][0];
  EXPECT_EQ(bridge["registered"], true);
  EXPECT_EQ(bridge["ready"], true);
  EXPECT_EQ(bridge["version"], "v0.2608.0");
  EXPECT_EQ(bridge["bot"], "@whatsappbot:acme.example");
}

TEST(Bridges, StopBeforeTheHomeserverForgetsThem) {
  World world = converged(a_tenant_with(kWhatsapp));
  ask_for(world, json::array());
  const Plan plan = plan_of(world);
  EXPECT_THAT(lines_of(plan), Contains("clean-up: delete Deployment acme-bridge-whatsapp"));
  const Readiness homeserver = readiness_of(plan, "homeserver");
  EXPECT_EQ(homeserver.reason, "Stopping");
  EXPECT_THAT(homeserver.message, HasSubstr("Deployment acme-bridge-whatsapp"));
  world = converged(std::move(world));
  EXPECT_TRUE(is_ready(status_of(world)));
  EXPECT_NE(world.child("Secret", "acme-bridge-whatsapp"), nullptr) << "its keys stay";
  EXPECT_EQ(world.child("ConfigMap", "acme-bridge-whatsapp"), nullptr);
}

TEST(Bridges, SayWhichImageIsMissing) {
  World world = a_tenant_with(kWhatsapp);
  world.tenant.images.bridges.clear();
  world = converged(std::move(world));
  const Reported told = reported(status_of(world), "BridgesReady");
  EXPECT_EQ(told.reason, "NoImage");
  EXPECT_THAT(told.message, HasSubstr("bridge whatsapp: "));
  EXPECT_THAT(told.message, HasSubstr("images.bridges.whatsapp"));
}

TEST(Bridges, AreAskedNowAndThenWhoIsLoggedIn) {
  World world = a_tenant_with(kWhatsapp);
  const api::Bridge bridge = world.tenant.spec.bridges.front();
  KnownLogins known;
  EXPECT_FALSE(known.is_due(world, bridge)) << "it does not run yet";
  world = converged(std::move(world));
  EXPECT_TRUE(known.is_due(world, bridge));
  known.note(world, bridge, 3);
  world.seen_at += std::chrono::minutes{9};
  EXPECT_FALSE(known.is_due(world, bridge));
  World other = world;
  other.tenant.bridges_seen["whatsapp"].keys = "another";
  EXPECT_TRUE(known.is_due(other, bridge)) << "another Secret, another bridge";
  world.seen_at += std::chrono::minutes{1};
  EXPECT_TRUE(known.is_due(world, bridge));
  known.note(world, bridge, std::nullopt);
  EXPECT_EQ(known.of(bridge), 3) << "nobody answered";
}

TEST(Bridges, SayHowManyAreLoggedInUntilTheyAreAskedAgain) {
  World world = converged(a_tenant_with(kWhatsapp));
  EXPECT_FALSE(status_of(world)["bridges"][0].contains("logins"));
  world.logins["whatsapp"] = 3;
  world.resource.status = status_of(world);
  EXPECT_EQ(world.resource.status["bridges"][0]["logins"], 3);
  world.logins.clear();
  EXPECT_EQ(status_of(world)["bridges"][0]["logins"], 3);
}

TEST(Bridges, OfAnEndedNetworkLeaveTheRestReady) {
  const World world = converged(a_tenant_with(kSkype));
  const json status = status_of(world);
  EXPECT_TRUE(is_ready(status));
  EXPECT_EQ(reported(status, "Retired").status, "True");
  EXPECT_THAT(reported(status, "Retired").message, HasSubstr("5 May 2025"));
  EXPECT_EQ(reported(status, "BridgesReady").status, "");
  EXPECT_EQ(status["bridges"][0]["reason"], "Retired");
}

}  // namespace
}  // namespace alphorn::homeserver::test
