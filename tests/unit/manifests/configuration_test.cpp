// What goes into the programs' configuration, and what rolls their pods.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifests/homeserver_config.hpp"
#include "manifests/vocabulary.hpp"
#include "unit/manifests/tenants.hpp"

namespace alphorn::manifests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string config_hash(const Tenant& tenant, const std::string& name) {
  for (const Manifest& manifest : all_manifests(tenant)) {
    const json& annotations = at_path(manifest, "spec/template/metadata/annotations");
    if (string_at(manifest, "metadata/name") == name && annotations.is_object()) {
      return annotations.at(kConfigHash);
    }
  }
  return "";
}

std::string gateway_file(const Tenant& tenant, const std::string& file) {
  return find(gateway(tenant), "ConfigMap", gateway_name(tenant)).at("data").at(file);
}

/// Anything named like a secret must be a path, or stand for a file.
void expect_no_secret(const json& config, const std::string& where = "") {
  if (!config.is_structured()) return;
  for (const auto& [key, value] : config.items()) {
    const std::string path = where + "/" + key;
    for (const char* word : {"password", "secret", "pepper", "macaroon", "signing_key"}) {
      if (key.find(word) == std::string::npos || key.ends_with("_path")) continue;
      EXPECT_FALSE(value.is_string()) << path << " holds a value";
    }
    expect_no_secret(value, path);
  }
}

TEST(HomeserverConfig, HoldsNoSecret) {
  const json config = homeserver_config(tenant_of("full"));
  expect_no_secret(config);
  EXPECT_EQ(string_at(config, "database/args/service"), "synapse");
  EXPECT_FALSE(at_path(config, "database/args").contains("user"));
  EXPECT_EQ(string_at(config, "password_config/pepper/$file"), "/keys/homeserver/pepper");
}

TEST(HomeserverConfig, ProvidersSecretsAreFiles) {
  Tenant tenant = tenant_of("single-sign-on");
  const json config = homeserver_config(tenant);
  expect_no_secret(config.at("oidc_providers"));
  EXPECT_EQ(config.at("oidc_providers")[0].at("client_secret_path"), "/keys/oidc/acme/matrix");
  const auto template_of = [&] {
    return find(homeserver(tenant), "StatefulSet", homeserver_name(tenant)).at("spec");
  };
  const json before = template_of();
  EXPECT_THAT(before.dump(), HasSubstr(R"("mountPath":"/keys/oidc/acme")"));
  tenant.client_secrets_seen = "7";
  EXPECT_NE(before, template_of()) << "a new secret rolls the homeserver";
}

TEST(HomeserverConfig, TheKeyToTheBucketIsAFile) {
  const Tenant tenant = tenant_of("media-bucket");
  const json provider = homeserver_config(tenant).at("media_storage_providers")[0];
  EXPECT_EQ(provider.at("store_synchronous"), true) << "what is acknowledged is in the bucket";
  EXPECT_EQ(string_at(provider, "config/access_key_id/$file"), "/keys/bucket/access-key-id");
  EXPECT_EQ(string_at(provider, "config/secret_access_key/$file"),
            "/keys/bucket/secret-access-key");
  EXPECT_EQ(provider.at("config").at("endpoint_url"), "https://s3.dc.example:9000");
  EXPECT_FALSE(homeserver_config(tenant_of("minimal")).contains("media_storage_providers"));
  const json watch = find(homeserver(tenant), "ConfigMap", homeserver_name(tenant)).at("data");
  EXPECT_THAT(watch.at("bucket.yaml"), HasSubstr("most_bytes: 42949672960"));
}

TEST(NetworkPolicies, OnlyTheNamespaceOfPrometheusReadsMetrics) {
  Tenant tenant = tenant_of("minimal");
  const std::map<std::string, std::string> ports{{homeserver_name(tenant), "9000"},
                                                 {database_name(tenant), "9187"},
                                                 {gateway_name(tenant), "9113"}};
  for (const auto& [name, port] : ports) {
    const auto ingress = [&] {
      return find(network(tenant), "NetworkPolicy", name).at("spec").at("ingress").dump();
    };
    tenant.monitoring_ns = "";
    EXPECT_THAT(ingress(), Not(HasSubstr(port)));
    tenant.monitoring_ns = "observability";
    EXPECT_THAT(ingress(), HasSubstr(port));
    EXPECT_THAT(ingress(), HasSubstr("observability"));
  }
}

TEST(DatabaseConfig, WhoCountsIsNotTheSuperuser) {
  const Tenant tenant = watched(tenant_of("minimal"));
  const Manifests manifests = database(tenant);
  const json spec = find(manifests, "StatefulSet", database_name(tenant)).at("spec");
  const json& pod = spec.at("template").at("spec");
  const json& metrics = pod.at("containers").back();
  ASSERT_EQ(metrics.at("name"), "metrics");
  EXPECT_NE(metrics.at("securityContext").at("runAsUser"),
            pod.at("securityContext").at("runAsUser"));
  const std::string rules = find(manifests, "ConfigMap", database_name(tenant))
                                .at("data")
                                .at("pg_hba.conf")
                                .get<std::string>();
  EXPECT_THAT(rules, HasSubstr("local all postgres peer\n"));
  EXPECT_THAT(rules, Not(HasSubstr("postgres trust")));
}

TEST(HomeserverConfig, NoPartOfASessionOutlivesTheWhole) {
  const json config = homeserver_config(tenant_of("single-sign-on"));
  EXPECT_EQ(config.at("session_lifetime"), "7d");
  EXPECT_EQ(config.at("refresh_token_lifetime"), "7d") << "two weeks were asked for";
  EXPECT_FALSE(homeserver_config(tenant_of("minimal")).contains("session_lifetime"));
}

TEST(HomeserverConfig, IsClosedToOtherServersAndStrangers) {
  const json config = homeserver_config(tenant_of("minimal"));
  EXPECT_EQ(config.at("federation_domain_whitelist"), json::array());
  EXPECT_EQ(config.at("trusted_key_servers"), json::array());
  EXPECT_EQ(config.at("enable_registration"), false);
  EXPECT_EQ(config.at("allow_guest_access"), false);
  EXPECT_EQ(config.at("url_preview_enabled"), false);
  for (const json& listener : config.at("listeners")) {
    EXPECT_THAT(listener.dump(), Not(HasSubstr("federation")));
  }
}

TEST(HomeserverConfig, TalksToTheServersOfItsListAndToNoOther) {
  const json config = homeserver_config(tenant_of("full"));
  EXPECT_EQ(config.at("federation_domain_whitelist"),
            json::array({"supplier.example", "partner.example:8448"}));
  EXPECT_EQ(config.at("ip_range_whitelist"), json::array({"10.20.0.0/16"}));
  EXPECT_EQ(config.at("trusted_key_servers"), json::array());
  EXPECT_THAT(config.at("listeners")[0].dump(), HasSubstr("federation"));
}

TEST(HomeserverConfig, IsOpenOnlyWhenToldTo) {
  const json config = homeserver_config(tenant_of("open-federation"));
  EXPECT_FALSE(config.contains("federation_domain_whitelist"));
  EXPECT_FALSE(config.contains("ip_range_whitelist"));
  EXPECT_EQ(config.at("allow_public_rooms_over_federation"), false);
  EXPECT_EQ(config.at("allow_device_name_lookup_over_federation"), false);
}

TEST(HomeserverConfig, EncryptsTheRoomsThatAreAskedFor) {
  const auto rooms = [](const char* sample) {
    return homeserver_config(tenant_of(sample))
        .at("encryption_enabled_by_default_for_room_type")
        .get<std::string>();
  };
  EXPECT_EQ(rooms("minimal"), "invite");
  EXPECT_EQ(rooms("full"), "all");
  EXPECT_EQ(rooms("open-federation"), "off");
}

TEST(Homeserver, TrustsItsOperatorsAuthorityOnlyWhenItCallsOthers) {
  const auto environment = [](const char* sample) {
    const Tenant tenant = tenant_of(sample);
    const Manifest workload = find(homeserver(tenant), "StatefulSet", homeserver_name(tenant));
    return workload.at("spec").at("template").at("spec").at("containers")[0].at("env").dump();
  };
  EXPECT_THAT(environment("full"), HasSubstr("/etc/homeserver/ca.crt"));
  EXPECT_THAT(environment("minimal"), Not(HasSubstr("SSL_CERT_FILE")));
  Tenant before = tenant_of("full");
  Tenant after = before;
  after.authority_pem = "another";
  EXPECT_NE(config_hash(before, "acme-homeserver"), config_hash(after, "acme-homeserver"));
}

TEST(HomeserverConfig, NamesTheAddressThatClientsType) {
  EXPECT_EQ(homeserver_config(tenant_of("minimal")).at("public_baseurl"),
            "https://matrix.acme.example/");
  EXPECT_EQ(homeserver_config(tenant_of("nodeport")).at("public_baseurl"),
            "https://matrix.acme.example:30443/");
}

TEST(HomeserverConfig, SurvivesTheRoundTripThroughYaml) {
  const json config = homeserver_config(tenant_of("full"));
  EXPECT_EQ(from_yaml(to_yaml(config)), config);
}

TEST(PublicHosts, AreTheMatrixHostTheDomainAndTheWebClients) {
  EXPECT_EQ(public_hosts(tenant_of("server-name-with-port")),
            (std::vector<std::string>{"matrix.acme.example", "acme.example", "chat.acme.example"}));
  EXPECT_EQ(public_hosts(tenant_of("without-web-client")),
            (std::vector<std::string>{"matrix.acme.example", "acme.example"}));
}

TEST(PublicHosts, AreOneWhenTheyAreTheSame) {
  Tenant tenant = tenant_of("without-web-client");
  tenant.spec.matrix_host = "acme.example";
  EXPECT_EQ(public_hosts(tenant), (std::vector<std::string>{"acme.example"}));
  EXPECT_EQ(gateway_file(tenant, "domain.conf"), "");
}

TEST(Gateway, TellsClientsAndServersWhereToGo) {
  const Tenant tenant = tenant_of("nodeport");
  EXPECT_EQ(json::parse(gateway_file(tenant, "client.json")),
            (json{{"m.homeserver", {{"base_url", "https://matrix.acme.example:30443"}}}}));
  EXPECT_EQ(json::parse(gateway_file(tenant, "server.json")),
            (json{{"m.server", "matrix.acme.example:30443"}}));
}

TEST(Gateway, ShutsItsDoorToOtherServersWhenThereAreNone) {
  EXPECT_THAT(gateway_file(tenant_of("minimal"), "federation.conf"), HasSubstr("return 403"));
  EXPECT_THAT(gateway_file(tenant_of("full"), "federation.conf"), HasSubstr("proxy_pass"));
}

/// Other servers take a name with a port as the address itself.
TEST(Gateway, AnswersOtherServersOnTheDomainOnlyWhenItsNameHasAPort) {
  EXPECT_THAT(gateway_file(tenant_of("server-name-with-port"), "domain.conf"),
              HasSubstr("federation.conf"));
  EXPECT_THAT(gateway_file(tenant_of("full"), "domain.conf"), Not(HasSubstr("federation.conf")));
}

TEST(Gateway, PublishesTheContact) {
  const json support = json::parse(gateway_file(tenant_of("full"), "support.json"));
  EXPECT_EQ(support.at("contacts")[0].at("email_address"), "it@acme.example");
}

TEST(Gateway, HasNoSupportDocumentWithoutAContact) {
  const Tenant tenant = tenant_of("minimal");
  const Manifest config = find(gateway(tenant), "ConfigMap", gateway_name(tenant));
  EXPECT_FALSE(config.at("data").contains("support.json"));
}

/// These are files of their own: what nginx listens on and passes to must be what is opened.
TEST(Gateway, UsesThePortsThatTheOtherManifestsName) {
  const std::string config = gateway_file(tenant_of("minimal"), "nginx.conf");
  EXPECT_THAT(config, HasSubstr("listen " + std::to_string(kGatewayPort) + " ssl"));
  EXPECT_THAT(config, HasSubstr("listen " + std::to_string(kGatewayHealthPort) + ";"));
  EXPECT_THAT(gateway_file(tenant_of("minimal"), "homeserver.conf"),
              HasSubstr("http://$homeserver:" + std::to_string(kHomeserverPort) + ";"));
}

TEST(Pods, RollWhenTheirConfigurationChanges) {
  const Tenant before = tenant_of("minimal");
  Tenant after = before;
  after.spec.max_upload_size = "200M";
  EXPECT_NE(config_hash(before, "acme-homeserver"), config_hash(after, "acme-homeserver"));
  EXPECT_NE(config_hash(before, "acme-gateway"), config_hash(after, "acme-gateway"));
  EXPECT_EQ(config_hash(before, "acme-database"), config_hash(after, "acme-database"));
}

TEST(Gateway, RollsWithItsCertificate) {
  const Tenant before = tenant_of("minimal");
  Tenant after = before;
  after.certificate_serial = "ffff";
  EXPECT_NE(gateway(before), gateway(after));
  EXPECT_EQ(homeserver(before), homeserver(after));
}

TEST(Exposure, KeepsClientsAddressesOnNodes) {
  EXPECT_EQ(exposure(tenant_of("nodeport"))[0].at("spec").at("externalTrafficPolicy"), "Local");
  EXPECT_FALSE(exposure(tenant_of("minimal"))[0].at("spec").contains("externalTrafficPolicy"));
}

TEST(Exposure, AsksForANodePortOnlyWhenToldTo) {
  EXPECT_EQ(exposure(tenant_of("minimal"))[0].at("spec").at("type"), "ClusterIP");
  const json spec = exposure(tenant_of("nodeport"))[0].at("spec");
  EXPECT_EQ(spec.at("type"), "NodePort");
  EXPECT_EQ(spec.at("ports")[0].at("nodePort"), 30443);
  EXPECT_FALSE(
      exposure(tenant_of("nodeport-any"))[0].at("spec").at("ports")[0].contains("nodePort"));
}

TEST(Network, HasNoPoliciesWhenTheyAreSwitchedOff) {
  EXPECT_EQ(network(tenant_of("minimal")).size(), 5U);
  EXPECT_TRUE(network(tenant_of("without-network-policies")).empty());
}

/// The ports of the homeserver's last arrow, the one that leads outside.
json ports_outside(const std::string& sample) {
  const Tenant tenant = tenant_of(sample);
  const Manifest policy = find(network(tenant), "NetworkPolicy", homeserver_name(tenant));
  return policy.at("spec").at("egress").back().at("ports");
}

TEST(Network, LetsWhoFederatesCallEveryPortAndOthersPushServicesOnly) {
  const json any = {{"protocol", "TCP"}};
  const json https = {{"protocol", "TCP"}, {"port", 443}};
  EXPECT_EQ(ports_outside("open-federation"), json::array({any}));
  EXPECT_EQ(ports_outside("minimal"), json::array({https}));
}

TEST(Network, LetsTheHomeserverCallPrivateNetworksThatFederationNames) {
  const Tenant tenant = tenant_of("full");
  const Manifest policy = find(network(tenant), "NetworkPolicy", homeserver_name(tenant));
  EXPECT_THAT(policy.at("spec").at("egress").back().at("to"),
              testing::Contains(json{{"ipBlock", {{"cidr", "10.20.0.0/16"}}}}));
}

}  // namespace
}  // namespace alphorn::manifests
