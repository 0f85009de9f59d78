// The web client: served where there is an image for it, and never in the way of the homeserver.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "homeserver/readiness.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using ::testing::HasSubstr;

json status_of(const World& world) { return summarize(world, plan_of(world), {}, kNow); }

void ask_for_web(World& world, std::optional<bool> enabled) {
  world.resource.spec.web_client.enabled = enabled;
  world.tenant.spec.web_client.enabled = enabled;
  ++world.resource.generation;
}

TEST(WebClient, IsServedWhereThereIsAnImage) {
  const json status = status_of(a_running_tenant());
  EXPECT_TRUE(is_ready(status));
  EXPECT_EQ(string_at(status, "webAddress"), "https://chat.acme.example");
}

TEST(WebClient, IsAskedThroughTheGateway) {
  World world = a_running_tenant();
  world.web = std::nullopt;
  EXPECT_EQ(web_ready(world).reason, "NotAsked");
  world.web = Answer{.problem = "the gateway answers 502 to /config.json"};
  EXPECT_EQ(web_ready(world).reason, "Asking");
  world.resource.status = status_of(world);
  EXPECT_EQ(web_ready(world).reason, "NoAnswer");
  EXPECT_THAT(web_ready(world).message, HasSubstr("502"));
}

TEST(WebClient, ThatDoesNotStartKeepsNobodyFromTheHomeserver) {
  World world = a_new_tenant();
  for (int pass = 0; pass < 20; ++pass) {
    for (const ComponentPlan& component : plan_of(world).components) {
      for (const Step& step : component.steps) carry_out(step, world);
    }
    if (world.child("Deployment", "acme-web") == nullptr) continue;
    change(world, "Deployment", "acme-web", [](json& web) { web["status"]["replicas"] = 0; });
  }
  const json status = status_of(world);
  EXPECT_EQ(reported(status, "Ready").reason, "WebNotReady");
  for (const char* other : {"HomeserverReady", "GatewayReady", "AdministratorReady"}) {
    EXPECT_EQ(reported(status, other).status, "True") << other;
  }
}

TEST(WebClient, IsTakenAwayWithItsHost) {
  World world = a_running_tenant();
  ask_for_web(world, false);
  converge(world);
  for (const char* kind : {"Deployment", "Service", "ConfigMap", "NetworkPolicy"}) {
    EXPECT_EQ(world.child(kind, "acme-web"), nullptr) << kind;
  }
  EXPECT_EQ(world.certificate->hosts,
            (std::vector<std::string>{"acme.example", "matrix.acme.example"}));
  const json status = status_of(world);
  EXPECT_TRUE(is_ready(status));
  EXPECT_FALSE(status.contains("webAddress"));
  EXPECT_EQ(reported(status, "WebReady").reason, "NotServed");
}

TEST(WebClient, ComesBackAsItWas) {
  World world = a_running_tenant();
  const auto children = world.children.size();
  ask_for_web(world, false);
  converge(world);
  ask_for_web(world, std::nullopt);
  converge(world);
  EXPECT_EQ(world.children.size(), children);
  EXPECT_TRUE(is_ready(status_of(world)));
}

TEST(WebClient, WithoutAnImageIsMissedOnlyByWhoAskedForIt) {
  World world = a_running_tenant();
  world.tenant.images.web = "";
  converge(world);
  EXPECT_TRUE(is_ready(status_of(world)));
  EXPECT_THAT(reported(status_of(world), "WebReady").message, HasSubstr("images.web"));
  ask_for_web(world, true);
  converge(world);
  const json status = status_of(world);
  EXPECT_EQ(reported(status, "Stalled").status, "True");
  EXPECT_EQ(reported(status, "Stalled").reason, "NoImage");
}

}  // namespace
}  // namespace alphorn::homeserver::test
