// The web client: what its page is told, what browsers let it do, and what is left without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifests/vocabulary.hpp"
#include "manifests/web_config.hpp"
#include "unit/manifests/tenants.hpp"

namespace alphorn::manifests {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

json gateway_files(const Tenant& tenant) {
  return find(gateway(tenant), "ConfigMap", gateway_name(tenant)).at("data");
}

TEST(WebConfig, NamesTheCompanysServerAndLetsNobodyChooseAnother) {
  const json config = web_config(tenant_of("nodeport"));
  const json server = {{"base_url", "https://matrix.acme.example:30443"},
                       {"server_name", "acme.example"}};
  EXPECT_EQ(config.at("default_server_config").at("m.homeserver"), server);
  EXPECT_EQ(config.at("disable_custom_urls"), true);
  EXPECT_EQ(config.at("disable_guests"), true);
  EXPECT_EQ(config.at("setting_defaults").at("UIFeature.registration"), false);
}

TEST(WebConfig, CarriesTheBrand) {
  EXPECT_EQ(web_config(tenant_of("minimal")).at("brand"), "Chat");
  EXPECT_EQ(web_config(tenant_of("full")).at("brand"), "Acme Chat");
}

TEST(WebConfig, SendsNothingToItsMakers) {
  const json config = web_config(tenant_of("full"));
  for (const char* absent : {"bug_report_endpoint_url", "posthog", "sentry", "map_style_url"}) {
    EXPECT_FALSE(config.contains(absent)) << absent;
  }
  EXPECT_EQ(config.at("integrations_ui_url"), "");
  EXPECT_EQ(config.at("integrations_rest_url"), "");
}

TEST(WebConfig, GuidesPhonesToTheApp) {
  EXPECT_EQ(web_config(tenant_of("minimal")).at("mobile_guide_app_variant"), "element");
}

TEST(WebConfig, LinksThroughItselfWhereNobodyElseCouldFollow) {
  EXPECT_EQ(web_config(tenant_of("minimal")).at("permalink_prefix"), "https://chat.acme.example");
  EXPECT_EQ(web_config(tenant_of("minimal")).at("default_federate"), false);
  EXPECT_FALSE(web_config(tenant_of("open-federation")).contains("permalink_prefix"));
}

TEST(WebPolicy, LetsPagesTalkToTheirOwnServerAlone) {
  const std::string policy = content_security_policy(tenant_of("nodeport"));
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'self'"));
  EXPECT_THAT(policy, HasSubstr("connect-src 'self' blob: data: https://matrix.acme.example:30443 "
                                "https://acme.example"));
  EXPECT_THAT(policy, Not(HasSubstr("*")));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe-eval' ")));
  EXPECT_THAT(policy, Not(HasSubstr("\"")));
}

TEST(WebGateway, HasAServerOfItsOwn) {
  const json files = gateway_files(tenant_of("minimal"));
  EXPECT_THAT(files.at("web.conf"), HasSubstr("server_name chat.acme.example;"));
  EXPECT_THAT(files.at("web.conf"), HasSubstr("set $web acme-web.$services;"));
  EXPECT_THAT(files.at("web_host.conf"),
              HasSubstr("proxy_pass http://$web:" + std::to_string(kWebPort) + ";"));
  EXPECT_THAT(find(web(tenant_of("minimal")), "ConfigMap", "acme-web").at("data").at("nginx.conf"),
              HasSubstr("listen " + std::to_string(kWebPort) + ";"));
}

TEST(WebGateway, IsReachedThroughTheClustersProxyToo) {
  EXPECT_THAT(gateway_files(tenant_of("ingress")).at("web.conf"),
              HasSubstr("listen " + std::to_string(kGatewayPlainPort) + ";"));
  const Manifest ingress = find(exposure(tenant_of("ingress")), "Ingress", "acme-gateway");
  EXPECT_THAT(ingress.at("spec").at("tls")[0].at("hosts"), Contains("chat.acme.example"));
}

TEST(WebNetwork, IsReachedByTheGatewayAndReachesNobody) {
  const Tenant tenant = tenant_of("minimal");
  const json spec = find(network(tenant), "NetworkPolicy", "acme-web").at("spec");
  EXPECT_FALSE(spec.contains("egress"));
  ASSERT_EQ(spec.at("ingress").size(), 1U);
  EXPECT_EQ(spec.at("ingress")[0].at("from").size(), 1U);
  EXPECT_THAT(spec.at("ingress")[0].at("from")[0].dump(), HasSubstr("\"gateway\""));
}

TEST(Web, SingleSignOnAsksNobodyWhetherToTrustIt) {
  const auto config = [](const Tenant& tenant) {
    return find(homeserver(tenant), "ConfigMap", homeserver_name(tenant)).at("data").dump();
  };
  Tenant tenant = tenant_of("single-sign-on");
  EXPECT_THAT(config(tenant), HasSubstr("https://chat.acme.example/"));
  tenant.spec.web_client.enabled = false;
  EXPECT_THAT(config(tenant), Not(HasSubstr("client_whitelist")));
}

void expect_nothing_of_it(const Tenant& tenant) {
  EXPECT_TRUE(web(tenant).empty());
  EXPECT_THAT(public_hosts(tenant), Not(Contains("chat.acme.example")));
  EXPECT_EQ(gateway_files(tenant).at("web.conf"), "");
  for (const Manifest& manifest : all_manifests(tenant)) {
    EXPECT_THAT(manifest.dump(), Not(HasSubstr("acme-web")));
    EXPECT_THAT(manifest.dump(), Not(HasSubstr("chat.acme.example")));
  }
}

TEST(Web, LeavesNoTraceWhenItIsSwitchedOff) {
  expect_nothing_of_it(tenant_of("without-web-client"));
}

TEST(Web, LeavesNoTraceWhenThereIsNoImageForIt) {
  Tenant tenant = tenant_of("minimal");
  tenant.images.web = "";
  expect_nothing_of_it(tenant);
  tenant.spec.web_client.enabled = true;
  expect_nothing_of_it(tenant);
}

}  // namespace
}  // namespace alphorn::manifests
