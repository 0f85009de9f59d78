// hookshot: what the company says of its services counts, and what makes it reachable does not
// change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifests/bridges.hpp"
#include "manifests/homeserver_config.hpp"
#include "unit/manifests/tenants.hpp"

namespace alphorn::manifests {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

api::Bridge hookshot_of(const Tenant& tenant) {
  for (const api::Bridge& bridge : live_bridges(tenant)) {
    if (is_hookshot(bridge)) return bridge;
  }
  throw std::logic_error("no hookshot");
}

TEST(Hookshot, TakesWebhooksAtTheAddressThatItTells) {
  const Tenant tenant = tenant_of("bridges");
  const api::Bridge bridge = hookshot_of(tenant);
  const std::string prefix = hookshot_frame(tenant, bridge).at("listeners")[0].at("prefix");
  EXPECT_EQ(string_at(hookshot_services(tenant, bridge), "generic/urlPrefix"),
            "https://matrix.acme.example" + prefix + "/webhook/");
  EXPECT_THAT(webhook_locations(tenant), HasSubstr("location " + prefix + "/ {\n"));
  EXPECT_THAT(webhook_locations(tenant), HasSubstr("acme-bridge-hookshot.$services;\n"));
}

TEST(Hookshot, IsReachedThroughTheGatewayAlone) {
  const Tenant tenant = tenant_of("bridges");
  const Manifest policy = find(network(tenant), "NetworkPolicy", "acme-bridge-hookshot");
  EXPECT_EQ(policy.at("spec").at("ingress").size(), 2U) << "the homeserver and the gateway";
  const Manifest other = find(network(tenant), "NetworkPolicy", "acme-bridge-irc");
  EXPECT_EQ(other.at("spec").at("ingress").size(), 1U);
}

TEST(Hookshot, IsToldWhoMayUseIt) {
  Tenant tenant = tenant_of("bridges");
  api::Bridge bridge = hookshot_of(tenant);
  const auto actors = [&] {
    std::map<std::string, std::string> result;
    const json frame = hookshot_frame(tenant, bridge);
    for (const json& entry : frame.at("permissions")) {
      result[entry.at("actor")] = entry.at("services")[0].at("level");
    }
    return result;
  };
  EXPECT_EQ(actors(), (std::map<std::string, std::string>{{"@boss:acme.example", "admin"},
                                                          {"acme.example", "manageConnections"}}));
  bridge.users = {"@jo:acme.example"};
  EXPECT_FALSE(actors().contains("acme.example"));
}

TEST(Hookshot, ReadsNoWordOfTheCompanyAfterItsOwn) {
  const Manifest workload =
      find(bridges(tenant_of("bridges")), "Deployment", "acme-bridge-hookshot");
  for (const json& container : at_path(workload, "spec/template/spec/initContainers")) {
    if (container.at("name") != "merge") continue;
    EXPECT_EQ(container.at("command"),
              json::array({"python3", "/etc/bridge-config/merge_yaml.py", "/etc/bridge/config.yml",
                           "/etc/bridge-config/services.yaml", "/keys/credentials/services.yaml",
                           "/etc/bridge-config/frame.yaml"}));
  }
}

TEST(Hookshot, IsNoReasonToLetWebhooksIntoOthers) {
  Tenant tenant = tenant_of("bridges");
  std::erase_if(tenant.spec.bridges, is_hookshot);
  EXPECT_FALSE(takes_webhooks(tenant));
  const std::string module = registration_config(tenant).at("modules").dump();
  EXPECT_THAT(module, Not(HasSubstr("guests")));
  EXPECT_THAT(registration_config(tenant_of("bridges")).at("modules").dump(),
              HasSubstr(R"("guests":["@hookshotbot:acme.example"])"));
}

}  // namespace
}  // namespace alphorn::manifests
