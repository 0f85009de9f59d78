// Voice and video calls: what their programs, the homeserver and clients are told.
#include "manifests/calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifests/homeserver_config.hpp"
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

Tenant with_calls_of_two() {
  Tenant tenant = tenant_of("calls");
  tenant.images.lk_jwt_service = "";
  return tenant;
}

TEST(CallsConfig, SendsNobodyToServersOfOthers) {
  const json config = livekit_config(tenant_of("calls"));
  EXPECT_EQ(config.at("rtc").at("stun_servers"), json::array({"192.0.2.10:30478"}));
  EXPECT_EQ(config.at("rtc").at("use_external_ip"), false) << "it would ask Google";
  EXPECT_EQ(config.at("room").at("auto_create"), false);
}

TEST(CallsConfig, HasNoSecretInAnyConfigMap) {
  for (const Manifest& manifest : calls(tenant_of("calls"))) {
    if (manifest.at("kind") != "ConfigMap") continue;
    EXPECT_THAT(manifest.dump(), Not(HasSubstr("static-auth-secret=<")));
  }
}

TEST(CallsConfig, RelaysToNobodyInside) {
  const std::string config = turn_config(tenant_of("calls"));
  for (const char* peers : {"10.0.0.0-10.255.255.255", "127.0.0.0-127.255.255.255", "::1",
                            "fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    EXPECT_THAT(config, HasSubstr(std::string{"denied-peer-ip="} + peers + "\n"));
  }
  EXPECT_THAT(config, HasSubstr("no-tcp-relay\n"));
}

TEST(CallsConfig, TellsClientsAndHomeserverTheSame) {
  const Tenant tenant = tenant_of("calls");
  const json client = json::parse(gateway_files(tenant).at("client.json").get<std::string>());
  const json config = homeserver_config(tenant);
  EXPECT_EQ(client.at("org.matrix.msc4143.rtc_foci"), config.at("matrix_rtc").at("transports"));
  EXPECT_EQ(rtc_foci(tenant)[0].at("livekit_service_url"), "https://rtc.acme.example:30443");
}

TEST(CallsConfig, OffersNoCallsOfSeveralWithoutAnImage) {
  const Tenant tenant = with_calls_of_two();
  const json files = gateway_files(tenant);
  EXPECT_THAT(files.at("client.json").get<std::string>(), Not(HasSubstr("rtc_foci")));
  EXPECT_FALSE(files.contains("rtc_group.conf"));
  const json config = homeserver_config(tenant);
  EXPECT_FALSE(config.contains("matrix_rtc"));
  EXPECT_EQ(config.at("turn_user_lifetime"), "1h");
  EXPECT_FALSE(config.contains("turn_shared_secret"));
}

TEST(CallsConfig, LetsLkJwtServiceAskWhoSomebodyIs) {
  const json listener = homeserver_config(tenant_of("calls")).at("listeners")[0];
  EXPECT_THAT(listener.at("resources")[0].at("names"), Contains("openid"));
  const json plain = homeserver_config(tenant_of("minimal")).at("listeners")[0];
  EXPECT_THAT(plain.at("resources")[0].at("names"), Not(Contains("openid")));
}

TEST(CallsConfig, AnswersLkJwtServiceUnderAServerNameWithAPortAsWell) {
  Tenant tenant = tenant_of("server-name-with-port");
  const auto domain = [&] { return gateway_files(tenant).at("domain.conf").get<std::string>(); };
  EXPECT_THAT(domain(), Not(HasSubstr("openid.conf")));
  tenant.spec.calls.enabled = true;
  EXPECT_THAT(domain(), HasSubstr("include /etc/gateway/openid.conf;\n"));
}

TEST(CallsConfig, ReachesTheWebClient) {
  EXPECT_THAT(content_security_policy(tenant_of("calls")),
              HasSubstr("https://rtc.acme.example:30443 wss://rtc.acme.example:30443"));
  EXPECT_FALSE(web_config(tenant_of("calls")).at("setting_defaults").contains("UIFeature.voip"));
  EXPECT_EQ(web_config(with_calls_of_two()).at("element_call").at("use_exclusively"), false);
}

TEST(Calls, WaitForPortsBeforeTheyStart) {
  Tenant tenant = with_calls_of_two();
  tenant.calls.udp_port = std::nullopt;
  for (const Manifest& manifest : calls(tenant)) {
    EXPECT_FALSE(manifest.at("kind") == "Deployment" &&
                 manifest.at("metadata").at("name") == livekit_name(tenant));
  }
}

}  // namespace
}  // namespace alphorn::manifests
