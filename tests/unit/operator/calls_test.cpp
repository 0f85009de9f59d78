// Voice and video calls: where media come in, and what is said while they cannot.
#include "homeserver/calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifests/calls.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kNode = "192.0.2.10";

json status_of(const World& world) { return summarize(world, plan_of(world), {}, kNow); }

void change_spec(World& world, const std::function<void(api::CompanyHomeserverSpec&)>& edit) {
  edit(world.resource.spec);
  edit(world.tenant.spec);
  ++world.resource.generation;
}

/// A pod that a node runs, as the kubelet tells of it.
void add_pod(World& world, const std::string& component, const std::string& node) {
  world.pods.emplace_back(
      std::make_shared<const json>(json{{"kind", "Pod"},
                                        {"metadata",
                                         {{"name", "acme-" + component + "-7d9f8-x2x2x"},
                                          {"labels", {{"app.kubernetes.io/name", component}}}}},
                                        {"status", {{"hostIP", node}}}}));
}

World a_tenant_that_wants_calls() {
  World world = a_new_tenant();
  world.tenant.images.livekit = "livekit:1";
  world.tenant.images.coturn = "coturn:1";
  change_spec(world, [](auto& spec) { spec.calls.enabled = true; });
  return world;
}

World a_tenant_with_calls() {
  World world = a_tenant_that_wants_calls();
  add_pod(world, "turn", kNode);
  add_pod(world, "livekit", kNode);
  converge(world);
  return world;
}

std::string config_of(const World& world, const std::string& name, const std::string& file) {
  return world.child("ConfigMap", name)->at("data").at(file).get<std::string>();
}

TEST(Calls, RunWhereTheyWereAskedFor) {
  const World world = a_tenant_with_calls();
  for (const char* name : {"acme-livekit", "acme-turn"}) {
    for (const char* kind : {"Deployment", "Service", "ConfigMap", "NetworkPolicy"}) {
      EXPECT_NE(world.child(kind, name), nullptr) << kind << ' ' << name;
    }
  }
  EXPECT_THAT(world.certificate->hosts, Contains("rtc.acme.example"));
  const json status = status_of(world);
  EXPECT_TRUE(is_ready(status));
  EXPECT_EQ(reported(status, "CallsReady").reason, "CallsOfTwoOnly");
}

TEST(Calls, OfNobodyWhoDidNotAsk) {
  World world = a_new_tenant();
  world.tenant.images.livekit = "livekit:1";
  world.tenant.images.coturn = "coturn:1";
  converge(world);
  EXPECT_EQ(world.child("Deployment", "acme-livekit"), nullptr);
  EXPECT_EQ(reported(status_of(world), "CallsReady").status, "");
}

TEST(Calls, WithoutImagesSayWhatIsMissing) {
  World world = a_new_tenant();
  change_spec(world, [](auto& spec) { spec.calls.enabled = true; });
  converge(world);
  EXPECT_THAT(reported(status_of(world), "CallsReady").message, HasSubstr("images.livekit"));
  EXPECT_THAT(world.certificate->hosts, Not(Contains("rtc.acme.example")));
}

TEST(Calls, AreToldToClientsUnderThePortsOfTheNode) {
  const World world = a_tenant_with_calls();
  const json livekit = from_yaml(config_of(world, "acme-livekit", "config.yaml"));
  EXPECT_EQ(integer_at(livekit, "rtc/udp_port"), world.tenant.calls.udp_port);
  EXPECT_EQ(integer_at(livekit, "rtc/tcp_port"), world.tenant.calls.tcp_port);
  const std::string turn = "192.0.2.10:" + std::to_string(*world.tenant.calls.turn_port);
  EXPECT_EQ(livekit.at("rtc").at("stun_servers"), json::array({turn}));
  EXPECT_THAT(config_of(world, "acme-homeserver", "homeserver.yaml"), HasSubstr("turn:" + turn));
}

TEST(Calls, TellWhatTheFirewallMustLetThrough) {
  const World world = a_tenant_with_calls();
  const json calls = status_of(world).at("calls");
  EXPECT_EQ(calls.at("address"), "https://rtc.acme.example");
  EXPECT_EQ(calls.at("media"), "192.0.2.10:30443/udp,30444/tcp");
  EXPECT_EQ(calls.at("turn"), "192.0.2.10:30443/udp,30443/tcp");
}

TEST(Calls, WaitForTheAddressOfTheNode) {
  World world = a_tenant_that_wants_calls();
  converge(world);
  EXPECT_EQ(calls_ready(world).reason, "NoAddress");
  EXPECT_EQ(world.child("Deployment", "acme-livekit"), nullptr);
  EXPECT_THAT(config_of(world, "acme-homeserver", "homeserver.yaml"), Not(HasSubstr("turn_uris")));
}

TEST(Calls, RememberTheAddressWhileNobodyRuns) {
  World world = a_tenant_with_calls();
  const json before = *world.child("ConfigMap", "acme-homeserver");
  world.pods.clear();
  change_spec(world, [](auto& spec) { spec.hibernated = true; });
  converge(world);
  EXPECT_EQ(world.tenant.calls.turn_address, kNode);
  EXPECT_EQ(*world.child("ConfigMap", "acme-homeserver"), before);
  EXPECT_EQ(calls_ready(world), kHibernated);
}

TEST(Calls, GoToTheAddressThatWasDeclared) {
  World world = a_tenant_that_wants_calls();
  change_spec(world, [](auto& spec) { spec.calls.address = "198.51.100.7"; });
  converge(world);
  EXPECT_THAT(config_of(world, "acme-homeserver", "homeserver.yaml"),
              HasSubstr("turn:198.51.100.7:"));
  const json& service = *world.child("Service", "acme-livekit-media");
  EXPECT_EQ(string_at(service, "spec/externalTrafficPolicy"), "Cluster") << "any node may be it";
}

TEST(Calls, SayThatMediaDoNotGetThrough) {
  World world = a_tenant_with_calls();
  world.calls = CallsAnswer{.gateway = "", .turn = "", .media = "nobody answers"};
  EXPECT_EQ(calls_ready(world).reason, "MediaUnreachable");
  EXPECT_FALSE(calls_ready(world).ready);
}

TEST(Calls, DoNotJudgeAnAddressThatOnlyOthersMayReach) {
  World world = a_tenant_that_wants_calls();
  change_spec(world, [](auto& spec) { spec.calls.address = "198.51.100.7"; });
  converge(world);
  world.calls = CallsAnswer{.gateway = "", .turn = "nobody answers", .media = ""};
  EXPECT_EQ(calls_ready(world).reason, "MediaUnreachable");
  EXPECT_TRUE(calls_ready(world).ready);
}

TEST(Calls, TryAnAddressInVainOnlyNowAndThen) {
  World world = a_tenant_that_wants_calls();
  change_spec(world, [](auto& spec) { spec.calls.address = "198.51.100.7"; });
  converge(world);
  KnownMedia known;
  EXPECT_FALSE(known.answer_to(world)) << "nobody asked";
  const MediaAnswer in_vain{.turn = "nobody answers", .media = ""};
  known.note(world, in_vain);
  world.seen_at += std::chrono::minutes{9};
  EXPECT_EQ(known.answer_to(world), in_vain);
  World changed = world;
  ++changed.resource.generation;
  EXPECT_FALSE(known.answer_to(changed));
  changed = world;
  changed.tenant.calls.turn_address = "198.51.100.8";
  EXPECT_FALSE(known.answer_to(changed));
  world.seen_at += std::chrono::minutes{1};
  EXPECT_FALSE(known.answer_to(world)) << "it is long ago";
  known.note(world, MediaAnswer{});
  EXPECT_FALSE(known.answer_to(world)) << "an answer costs no wait";
}

TEST(Calls, TryAnAddressThatWasFoundEachTime) {
  const World world = a_tenant_with_calls();
  KnownMedia known;
  known.note(world, {.turn = "", .media = "nobody answers"});
  EXPECT_FALSE(known.answer_to(world));
}

TEST(Calls, WaitForABalancer) {
  World world = a_tenant_that_wants_calls();
  change_spec(world, [](auto& spec) {
    spec.calls.mode = api::Calls::Mode::load_balancer;
    spec.calls.udp_port = 7882;
    spec.calls.tcp_port = 7881;
    spec.calls.turn_port = 3478;
  });
  converge(world);
  EXPECT_EQ(calls_ready(world).reason, "LoadBalancerPending");
  const auto give = [&](const json& entry) {
    for (const char* name : {"acme-turn", "acme-livekit-media"}) {
      change(world, "Service", name, [&](json& service) {
        service["status"]["loadBalancer"]["ingress"] = json::array({entry});
      });
    }
    observe_calls(world);
    converge(world);
  };
  give({{"hostname", "lb.example"}});
  EXPECT_EQ(calls_ready(world).reason, "NoAddress");
  give({{"ip", "203.0.113.9"}});
  EXPECT_TRUE(calls_ready(world).ready) << calls_ready(world).reason;
  const json livekit = from_yaml(config_of(world, "acme-livekit", "config.yaml"));
  EXPECT_EQ(integer_at(livekit, "rtc/udp_port"), 7882);
}

TEST(Calls, StopWhileTheCompanyIsClosed) {
  World world = a_tenant_with_calls();
  world.pods.clear();
  change_spec(world, [](auto& spec) { spec.fenced = true; });
  converge(world);
  for (const char* name : {"acme-livekit", "acme-turn"}) {
    EXPECT_EQ(integer_at(*world.child("Deployment", name), "spec/replicas", -1), 0) << name;
  }
  EXPECT_EQ(calls_ready(world).reason, "Fenced");
}

TEST(Calls, OfSeveralNeedWhoLetsPeopleIn) {
  World world = a_tenant_that_wants_calls();
  world.tenant.images.lk_jwt_service = "lk-jwt:1";
  add_pod(world, "turn", kNode);
  converge(world);
  EXPECT_EQ(calls_ready(world).reason, "Creating") << "its way to the gateway is not known yet";
  change(world, "Service", "acme-gateway-inner",
         [](json& service) { service["spec"]["clusterIP"] = "10.96.7.7"; });
  observe_calls(world);
  converge(world);
  EXPECT_EQ(calls_ready(world), kReady);
  EXPECT_THAT(config_of(world, "acme-gateway", "client.json"), HasSubstr("rtc_foci"));
}

TEST(Calls, GoWhenNobodyWantsThemAnyMore) {
  World world = a_tenant_with_calls();
  change_spec(world, [](auto& spec) { spec.calls.enabled = false; });
  converge(world);
  for (const auto& [id, object] : world.children) {
    EXPECT_THAT(id.name,
                Not(testing::AnyOf(HasSubstr("livekit"), HasSubstr("turn"), HasSubstr("calls"))));
  }
}

}  // namespace
}  // namespace alphorn::homeserver::test
