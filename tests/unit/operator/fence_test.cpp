// Nobody gets in, everything else goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using testing::HasSubstr;

void fence(World& world, bool wish) {
  world.resource.spec.fenced = wish;
  world.tenant.spec.fenced = wish;
  ++world.resource.generation;
}

json status_of(const World& world) { return summarize(world, plan_of(world), {}, kNow); }

std::string gateway_text(const World& world) {
  const json& files = at_path(*world.child("ConfigMap", "acme-gateway"), "data");
  return files.at("matrix_host.conf").get<std::string>() +
         files.at("domain.conf").get<std::string>();
}

TEST(Fence, ClosesTheGatewayAloneAndIsNoTrouble) {
  World world = a_running_tenant();
  fence(world, true);
  for (const ComponentPlan& component : plan_of(world).components) {
    EXPECT_EQ(component.steps.empty(), component.component != "gateway") << component.component;
  }
  EXPECT_EQ(reported(status_of(world), "Fenced").status, "False");
  converge(world);
  EXPECT_THAT(gateway_text(world), HasSubstr("include /etc/gateway/fence.conf"));
  const json status = status_of(world);
  EXPECT_EQ(reported(status, "Ready").status, "False");
  EXPECT_EQ(reported(status, "Ready").reason, "Fenced");
  EXPECT_EQ(reported(status, "Fenced").status, "True");
  EXPECT_EQ(reported(status, "HomeserverReady").status, "True");
  EXPECT_EQ(reported(status, "Stalled").status, "False");
  EXPECT_TRUE(is_fenced(status));
  EXPECT_FALSE(is_trouble(status));
}

TEST(Fence, ClosesAlsoWhileTheServerIsBroken) {
  World world = a_running_tenant();
  change(world, "StatefulSet", "acme-homeserver",
         [](json& set) { set["status"]["readyReplicas"] = 0; });
  world.homeserver.reset();
  fence(world, true);
  converge(world);
  EXPECT_THAT(gateway_text(world), HasSubstr("include /etc/gateway/fence.conf"));
  const json status = status_of(world);
  EXPECT_EQ(reported(status, "Fenced").status, "True");
  EXPECT_EQ(reported(status, "Ready").reason, "HomeserverNotReady");
}

TEST(Fence, IsNotSaidToBeClosedWhileSomebodyGetsIn) {
  World world = a_running_tenant();
  fence(world, true);
  converge(world);
  world.gateway = Answer{.problem = "the gateway answers 200"};
  EXPECT_EQ(reported(status_of(world), "Fenced").status, "False");
  EXPECT_THAT(reported(status_of(world), "Fenced").message, HasSubstr("answers 200"));
}

TEST(Fence, IsNotSaidToBeClosedBeforeTheLastOpenGatewayIsGone) {
  World world = a_running_tenant();
  fence(world, true);
  converge(world);
  world.pods.emplace_back(std::make_shared<const json>(
      json{{"kind", "Pod"},
           {"metadata",
            {{"name", "acme-gateway-6d4-x2x"}, {"deletionTimestamp", "2026-11-25T12:00:00Z"}}}}));
  EXPECT_EQ(reported(status_of(world), "Fenced").reason, "Closing");
  world.pods.clear();
  EXPECT_EQ(reported(status_of(world), "Fenced").reason, "Closed");
}

TEST(Fence, EndsWhereItBegan) {
  World world = a_running_tenant();
  fence(world, true);
  converge(world);
  fence(world, false);
  converge(world);
  EXPECT_TRUE(is_ready(status_of(world)));
  EXPECT_EQ(gateway_text(world), gateway_text(a_running_tenant()));
  EXPECT_EQ(reported(status_of(world), "Fenced").reason, "Open");
}

}  // namespace
}  // namespace alphorn::homeserver::test
