// Matrix Authentication Service: it keeps the accounts, and the homeserver none.
#include "manifests/mas.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/ulid.hpp"
#include "manifests/homeserver_config.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"
#include "unit/manifests/tenants.hpp"

namespace alphorn::manifests {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

json gateway_files(const Tenant& tenant) {
  return find(gateway(tenant), "ConfigMap", gateway_name(tenant)).at("data");
}

json pod_of(const Manifest& workload) { return workload.at("spec").at("template").at("spec"); }

json policy_of(const Tenant& tenant, const std::string& name) {
  return find(network(tenant), "NetworkPolicy", name).at("spec");
}

TEST(MasConfig, TakesEverySecretFromAFile) {
  const json config = mas_config(tenant_of("mas"));
  EXPECT_EQ(string_at(config, "secrets/encryption_file"), "/keys/mas/encryption");
  EXPECT_EQ(config.at("secrets").at("keys")[0], (json{{"key_file", "/keys/mas/rsa.pem"}}));
  EXPECT_EQ(string_at(config, "matrix/secret_file"), "/keys/mas/homeserver");
  EXPECT_EQ(config.at("clients")[0].at("client_secret_file"), "/keys/mas/operator");
  EXPECT_EQ(config.at("passwords").at("schemes")[0].at("secret_file"), "/keys/mas/pepper");
  EXPECT_FALSE(config.at("database").contains("password")) << "it is in a file of its own";
  EXPECT_EQ(from_yaml(mas_database_file("s: 'x'")).at("database").at("password"), "s: 'x'");
}

TEST(MasConfig, SendsPeopleToTheCompanysProvider) {
  const Tenant tenant = tenant_of("mas");
  const json provider = mas_config(tenant).at("upstream_oauth2").at("providers")[0];
  EXPECT_EQ(provider.at("issuer"), "https://id.acme.example:8443/realms/acme");
  EXPECT_EQ(provider.at("client_secret_file"), "/keys/oidc/acme/matrix");
  EXPECT_EQ(provider.at("scope"), "openid profile email");
  EXPECT_EQ(provider.at("fetch_userinfo"), true);
  const json& localpart = provider.at("claims_imports").at("localpart");
  EXPECT_EQ(localpart.at("template"), "{{ user.upn.split('@')[0] | lower }}");
  EXPECT_EQ(localpart.at("action"), "require");
  EXPECT_EQ(localpart.at("on_conflict"), "set");
  EXPECT_EQ(mas_redirect_uri(tenant, tenant.spec.authentication.oidc[0]),
            "https://login.acme.example/upstream/callback/" + provider.at("id").get<std::string>());
}

TEST(MasConfig, EndsSessionsThatNobodyUses) {
  const json config = mas_config(tenant_of("mas"));
  EXPECT_EQ(integer_at(config, "experimental/inactive_session_expiration/ttl"), 14 * 24 * 3600);
}

TEST(MasConfig, WithoutPasswordsKnowsNone) {
  Tenant tenant = tenant_of("mas");
  tenant.spec.authentication.passwords = false;
  EXPECT_EQ(mas_config(tenant).at("passwords"), (json{{"enabled", false}}));
}

TEST(MasConfig, ShowsAdministratorsOnThePortThatTheGatewayDoesNotReach) {
  const Tenant tenant = tenant_of("mas");
  const json listeners = mas_config(tenant).at("http").at("listeners");
  ASSERT_EQ(listeners.size(), 2U) << "nobody reads metrics";
  EXPECT_THAT(listeners[0].dump(), Not(HasSubstr("adminapi")));
  EXPECT_THAT(listeners[1].dump(), HasSubstr("adminapi"));
  EXPECT_THAT(listeners[1].dump(), HasSubstr("0.0.0.0:8081"));
  EXPECT_THAT(policy_of(tenant, gateway_name(tenant)).dump(), Not(HasSubstr("8081,")));
  EXPECT_EQ(mas_config(watched(tenant)).at("http").at("listeners").size(), 3U);
}

TEST(MasConfig, AnUlidIsOneAndStaysTheSame) {
  const std::string ulid = ulid_of("oidc/acme");
  EXPECT_EQ(ulid.size(), 26U);
  EXPECT_EQ(ulid.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), std::string::npos);
  EXPECT_EQ(ulid, ulid_of("oidc/acme"));
  EXPECT_NE(ulid, ulid_of("oidc/supplier"));
  EXPECT_EQ(ulid_of(""), "01K9000000WERC8GMRZGE196QV");  // e3b0c44298fc1c149afb in fives of bits
}

TEST(Mas, IsAskedByTheHomeserverWhichHasNoLoginsOfItsOwn) {
  const Tenant tenant = tenant_of("mas");
  const json config = homeserver_config(tenant);
  const json delegated = config.at("matrix_authentication_service");
  EXPECT_EQ(delegated.at("enabled"), true);
  EXPECT_EQ(delegated.at("endpoint"), "http://acme-mas.acme.svc:8080/");
  EXPECT_EQ(delegated.at("secret_path"), "/keys/mas/homeserver");
  EXPECT_EQ(config.at("password_config"), (json{{"enabled", false}}));
  EXPECT_EQ(config.at("enable_registration"), false);
  for (const char* refused :
       {"oidc_providers", "refresh_token_lifetime", "session_lifetime", "sso"}) {
    EXPECT_FALSE(config.contains(refused)) << "Synapse would not start with " << refused;
  }
}

TEST(Mas, SharesOneSecretWithTheHomeserverAndNoMore) {
  const Tenant tenant = tenant_of("mas");
  const json pod = pod_of(find(homeserver(tenant), "StatefulSet", homeserver_name(tenant)));
  const auto keys = std::find_if(pod.at("volumes").begin(), pod.at("volumes").end(),
                                 [](const json& one) { return one.at("name") == "mas-keys"; });
  ASSERT_NE(keys, pod.at("volumes").end());
  EXPECT_EQ(keys->at("secret").at("items"),
            json::array({{{"key", "homeserver"}, {"path", "homeserver"}}}));
  EXPECT_THAT(pod.dump(), Not(HasSubstr("/keys/oidc")));
}

TEST(Mas, IsRolledByANewSecretOfAProvider) {
  Tenant tenant = tenant_of("mas");
  const Manifest before = find(mas(tenant), "Deployment", "acme-mas");
  tenant.mas_secrets_seen = "7";
  EXPECT_NE(before, find(mas(tenant), "Deployment", "acme-mas"));
}

TEST(Mas, ForgetsProvidersBeforeItStarts) {
  const json pod = pod_of(find(mas(tenant_of("mas")), "Deployment", "acme-mas"));
  const json& sync = pod.at("initContainers").back();
  EXPECT_THAT(sync.at("command"), Contains("--prune"));
  EXPECT_THAT(pod.at("containers")[0].at("command"), Contains("--no-sync"));
}

TEST(Mas, TrustsTheCompanysAuthorityBesideThoseOfTheWorld) {
  Tenant tenant = tenant_of("mas");
  const json pod = pod_of(find(mas(tenant), "Deployment", "acme-mas"));
  EXPECT_EQ(pod.at("initContainers")[0].at("name"), "trust");
  EXPECT_THAT(pod.at("containers")[0].at("env").dump(), HasSubstr("/run/trust/ca.crt"));
  tenant.spec.ca_bundle = "";
  const json without = pod_of(find(mas(tenant), "Deployment", "acme-mas"));
  EXPECT_THAT(without.dump(), Not(HasSubstr("trust")));
}

TEST(Mas, HasADatabaseOfItsOwn) {
  const Tenant tenant = tenant_of("mas");
  for (const SecretRecipe& recipe : keys(tenant)) {
    if (recipe.name != database_keys(tenant)) continue;
    EXPECT_THAT(recipe.entries, Contains(SecretRecipe::Entry{"mas", SecretRecipe::Draw::token}));
  }
  EXPECT_THAT(policy_of(tenant, database_name(tenant)).at("ingress").dump(), HasSubstr(R"("mas")"));
}

TEST(Mas, IsReachedAtAHostOfItsOwn) {
  const Tenant tenant = tenant_of("mas");
  EXPECT_THAT(public_hosts(tenant), Contains("login.acme.example"));
  const json files = gateway_files(tenant);
  EXPECT_THAT(files.at("account.conf"), HasSubstr("server_name login.acme.example;"));
  EXPECT_THAT(files.at("account.conf"), HasSubstr("set $mas acme-mas.$services;"));
  EXPECT_THAT(files.at("matrix_host.conf"), HasSubstr("include /etc/gateway/mas.conf;"));
  const json document = json::parse(files.at("client.json").get<std::string>());
  EXPECT_EQ(document.at("org.matrix.msc2965.authentication").at("issuer"),
            "https://login.acme.example/");
  EXPECT_THAT(files.at("web.conf"),
              HasSubstr("connect-src 'self' blob: data: https://matrix.acme.example "
                        "https://acme.example https://login.acme.example\""));
}

TEST(Mas, IsClosedWithTheCompany) {
  Tenant tenant = tenant_of("mas");
  tenant.spec.fenced = true;
  EXPECT_THAT(gateway_files(tenant).at("account.conf"),
              HasSubstr("include /etc/gateway/fence.conf;"));
}

TEST(Mas, IsAskedByEveryProcessThatAnswersPeople) {
  Tenant tenant = tenant_of("large");
  const auto egress = [&](const std::string& name) {
    return policy_of(tenant, name).at("egress").dump();
  };
  tenant.spec.authentication.mas = true;
  EXPECT_THAT(egress("acme-sync"), HasSubstr(R"("mas")"));
  EXPECT_THAT(egress("acme-pusher"), Not(HasSubstr(R"("mas")")));
  EXPECT_THAT(policy_of(tenant, "acme-mas").at("ingress")[0].dump(), HasSubstr(R"("worker")"));
  const json worker = pod_of(find(workers(tenant), "StatefulSet", "acme-sync"));
  EXPECT_THAT(worker.dump(), HasSubstr("/keys/mas"));
}

TEST(Mas, HasConnectionsOfItsOwn) {
  Tenant tenant = tenant_of("minimal");
  tenant.workers_seen = 16;  // just what fits into the first hundred
  const int before = database_connections(tenant);
  tenant.spec.authentication.mas = true;
  EXPECT_GT(database_connections(tenant), before);
}

TEST(Mas, IsNowhereWhereNobodyAskedForIt) {
  const Tenant tenant = tenant_of("minimal");
  EXPECT_TRUE(mas(tenant).empty());
  EXPECT_FALSE(gateway_files(tenant).contains("account.conf"));
  for (const json& manifest : all_manifests(tenant)) {
    EXPECT_THAT(string_at(manifest, "metadata/name"), Not(HasSubstr("mas")));
  }
}

TEST(Mas, ReachesItsProvidersAndTheHomeserverAlone) {
  const Tenant tenant = tenant_of("mas");
  const std::string egress = policy_of(tenant, "acme-mas").at("egress").dump();
  EXPECT_THAT(egress, HasSubstr("10.20.0.0/16"));
  EXPECT_THAT(egress, HasSubstr("8443"));
  EXPECT_THAT(egress, HasSubstr("8008"));
  EXPECT_THAT(egress, Not(HasSubstr("0.0.0.0/0")));
  EXPECT_THAT(policy_of(tenant, homeserver_name(tenant)).at("egress").dump(),
              Not(HasSubstr("10.20.0.0/16")));
}

}  // namespace
}  // namespace alphorn::manifests
