// Ways into a company, and what is said while one is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "homeserver/readiness.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Mode = api::Exposure::Mode;

constexpr const char* kGateway = "acme-gateway";
constexpr const char* kPassthrough = "acme-gateway-passthrough";

World a_tenant_exposed_by(Mode mode) {
  World world = a_running_tenant();
  world.tenant.spec.exposure.mode = mode;
  if (mode == Mode::gateway) {
    world.tenant.spec.exposure.parent = api::ParentRef{.name = "public", .ns = "gateways"};
  }
  return world;
}

json accepted(const char* resolved) {
  const json parent = {{"parentRef", {{"name", "public"}, {"namespace", "gateways"}}},
                       {"conditions", json::array({{{"type", "Accepted"}, {"status", "True"}},
                                                   {{"type", "ResolvedRefs"},
                                                    {"status", resolved},
                                                    {"reason", "BackendNotFound"},
                                                    {"message", "no Service"}}})}};
  return {{"parents", json::array({parent})}};
}

TEST(Exposure, ALoadBalancerIsReadyOnceItHasAnAddress) {
  World world = a_tenant_exposed_by(Mode::load_balancer);
  converge(world);
  EXPECT_EQ(exposure_ready(world).reason, "LoadBalancerPending");
  EXPECT_TRUE(readiness_of(plan_of(world), "gateway").ready) << "the others need not wait for it";
  change(world, "Service", kGateway, [](json& service) {
    service["status"]["loadBalancer"]["ingress"] = json::array({{{"ip", "203.0.113.7"}}});
  });
  EXPECT_TRUE(exposure_ready(world).ready);
  EXPECT_EQ(endpoints_of(world), json::array({"203.0.113.7"}));
}

TEST(Exposure, AMissingClassIsNamed) {
  World world = a_tenant_exposed_by(Mode::ingress);
  EXPECT_EQ(exposure_ready(world).reason, "NoDefaultIngressClass");
  world.tenant.spec.exposure.class_name = "nowhere";
  EXPECT_EQ(exposure_ready(world).reason, "IngressClassMissing");
  EXPECT_THAT(exposure_ready(world).message, HasSubstr("\"nowhere\""));
  world.ingress_classes_are_known = false;
  EXPECT_NE(exposure_ready(world).reason, "IngressClassMissing") << "nobody could tell";
}

TEST(Exposure, ARouteIsReadyWhenItsGatewayTakesIt) {
  World world = a_tenant_exposed_by(Mode::gateway);
  converge(world);
  EXPECT_EQ(exposure_ready(world).reason, "GatewayApiMissing");
  EXPECT_EQ(world.child("HTTPRoute", kGateway), nullptr);
  world.tenant.has_routes = true;
  converge(world);
  EXPECT_EQ(exposure_ready(world).reason, "RoutePending");
  change(world, "HTTPRoute", kGateway, [](json& route) { route["status"] = accepted("False"); });
  EXPECT_EQ(exposure_ready(world).reason, "RouteRefused");
  EXPECT_THAT(exposure_ready(world).message, HasSubstr("no Service"));
  change(world, "HTTPRoute", kGateway, [](json& route) { route["status"] = accepted("True"); });
  EXPECT_TRUE(exposure_ready(world).ready);
}

TEST(Exposure, ARouteThatPassesTlsOnNeedsItsOwnKind) {
  World world = a_tenant_exposed_by(Mode::gateway);
  world.tenant.spec.exposure.tls_mode = api::Exposure::TlsMode::passthrough;
  world.tenant.has_routes = true;
  converge(world);
  EXPECT_EQ(exposure_ready(world).reason, "TLSRouteMissing");
  EXPECT_EQ(world.child("HTTPRoute", kGateway), nullptr) << "it would end TLS";
  EXPECT_EQ(world.child("TLSRoute", kPassthrough), nullptr);
  world.tenant.tls_route_version = "v1alpha2";
  converge(world);
  EXPECT_EQ(exposure_ready(world).reason, "RoutePending");
  EXPECT_THAT(exposure_ready(world).message, HasSubstr("TLSRoute acme-gateway-passthrough"));
  change(world, "TLSRoute", kPassthrough, [](json& route) { route["status"] = accepted("False"); });
  EXPECT_EQ(exposure_ready(world).reason, "RouteRefused");
  change(world, "TLSRoute", kPassthrough, [](json& route) { route["status"] = accepted("True"); });
  EXPECT_TRUE(exposure_ready(world).ready);
}

TEST(Exposure, ARouteIsAskedForInTheVersionThatTheClusterHas) {
  World world = a_tenant_exposed_by(Mode::gateway);
  world.tenant.spec.exposure.tls_mode = api::Exposure::TlsMode::passthrough;
  for (const char* version : {"v1alpha2", "v1"}) {
    world.tenant.tls_route_version = version;
    converge(world);
    EXPECT_EQ(string_at(*world.child("TLSRoute", kPassthrough), "apiVersion"),
              std::string{"gateway.networking.k8s.io/"} + version);
  }
}

/// Contour keeps how a route is by its name alone, whatever its kind: were both called the same,
/// the new one would wait for ever to be taken, and the former one to be taken away.
TEST(Exposure, OneRouteFollowsTheOtherUnderAnotherName) {
  const ChildId http{.kind = "HTTPRoute", .name = kGateway};
  const ChildId tls{.kind = "TLSRoute", .name = kPassthrough};
  World world = a_tenant_exposed_by(Mode::gateway);
  world.tenant.has_routes = true;
  world.tenant.tls_route_version = "v1";
  const auto expect_only = [&](const ChildId& wanted, const ChildId& former) {
    converge(world);
    change(world, wanted.kind, wanted.name,
           [](json& route) { route["status"] = accepted("True"); });
    converge(world);
    EXPECT_TRUE(world.children.contains(wanted)) << wanted.display();
    EXPECT_FALSE(world.children.contains(former)) << former.display();
    EXPECT_THAT(plan_of(world).clean_up, IsEmpty());
  };
  expect_only(http, tls);
  world.tenant.spec.exposure.tls_mode = api::Exposure::TlsMode::passthrough;
  expect_only(tls, http);
  world.tenant.spec.exposure.tls_mode = api::Exposure::TlsMode::terminate;
  expect_only(http, tls);
}

TEST(Exposure, TheWayBeforeIsTakenAwayOnceAllElseIsReady) {
  World world = a_tenant_exposed_by(Mode::ingress);
  world.tenant.default_ingress_class = "contour";
  world.ingress_classes = {"contour"};
  converge(world);
  ASSERT_NE(world.child("Ingress", kGateway), nullptr);
  // Children carry the tenant's uid as their owner's, which is what makes them ours to delete.
  world.tenant.spec.exposure.mode = Mode::none;
  converge(world);
  EXPECT_EQ(world.child("Ingress", kGateway), nullptr);
  EXPECT_NE(world.child("Service", kGateway), nullptr);
  EXPECT_THAT(plan_of(world).clean_up, IsEmpty());
}

}  // namespace
}  // namespace alphorn::homeserver::test
