// Matrix Authentication Service: where it keeps the accounts, from the first day on.
#include "manifests/mas.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "base/openssl.hpp"
#include "base/ulid.hpp"
#include "homeserver/draw.hpp"
#include "homeserver/readiness.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using ::testing::HasSubstr;

json status_of(const World& world) { return summarize(world, plan_of(world), {}, kNow); }

void change_spec(World& world, const std::function<void(api::CompanyHomeserverSpec&)>& edit) {
  edit(world.resource.spec);
  edit(world.tenant.spec);
  ++world.resource.generation;
}

void ask_for_mas(World& world, bool enabled) {
  change_spec(world, [&](auto& spec) { spec.authentication.mas = enabled; });
}

World a_tenant_with_mas() {
  World world = a_new_tenant();
  world.tenant.images.mas = "mas:1";
  ask_for_mas(world, true);
  converge(world);
  return world;
}

TEST(Mas, KeepsTheAccountsOfACompanyThatIsFoundedWithIt) {
  const World world = a_tenant_with_mas();
  for (const char* kind : {"Deployment", "Service", "ConfigMap", "NetworkPolicy"}) {
    EXPECT_NE(world.child(kind, "acme-mas"), nullptr) << kind;
  }
  EXPECT_NE(world.child("Secret", "acme-mas-keys"), nullptr);
  EXPECT_THAT(world.certificate->hosts, testing::Contains("account.acme.example"));
  EXPECT_TRUE(is_ready(status_of(world)));
}

TEST(Mas, WithoutAnImageSaysWhatIsMissing) {
  World world = a_new_tenant();
  ask_for_mas(world, true);
  converge(world);
  const json status = status_of(world);
  EXPECT_EQ(reported(status, "Stalled").reason, "NoImage");
  EXPECT_THAT(reported(status, "MasReady").message, HasSubstr("images.mas"));
  EXPECT_EQ(reported(status, "AdministratorReady").reason, "Waiting");
}

TEST(Mas, IsAskedThroughTheGateway) {
  World world = a_tenant_with_mas();
  world.mas = std::nullopt;
  EXPECT_EQ(mas_ready(world).reason, "NotAsked");
  world.mas = Answer{.problem = "the gateway answers 502"};
  EXPECT_EQ(mas_ready(world).reason, "Asking");
}

TEST(Mas, TakesNoAccountsOver) {
  World world = a_running_tenant();
  world.tenant.images.mas = "mas:1";
  const json before = *world.child("ConfigMap", "acme-homeserver");
  ask_for_mas(world, true);  // past the API server's rule: the resource was made anew
  for (int pass = 0; pass < 10; ++pass) {
    for (const ComponentPlan& component : plan_of(world).components) {
      for (const Step& step : component.steps) carry_out(step, world);
    }
  }
  const json status = status_of(world);
  EXPECT_EQ(reported(status, "AuthenticationReady").reason, "AccountsByHomeserver");
  EXPECT_EQ(reported(status, "Stalled").status, "True");
  EXPECT_EQ(world.child("Secret", "acme-mas-keys"), nullptr);
  EXPECT_EQ(world.child("Deployment", "acme-mas"), nullptr);
  EXPECT_EQ(at_path(*world.child("ConfigMap", "acme-homeserver"), "data"), at_path(before, "data"));
}

TEST(Mas, GivesNoAccountsAway) {
  World world = a_tenant_with_mas();
  ask_for_mas(world, false);
  for (int pass = 0; pass < 10; ++pass) {
    for (const ComponentPlan& component : plan_of(world).components) {
      for (const Step& step : component.steps) carry_out(step, world);
    }
  }
  EXPECT_EQ(reported(status_of(world), "AuthenticationReady").reason, "AccountsByMas");
  EXPECT_NE(world.child("Secret", "acme-mas-keys"), nullptr);
  EXPECT_THAT(world.child("ConfigMap", "acme-homeserver")->dump(),
              HasSubstr("matrix_authentication_service"));
}

TEST(Mas, SleepsBeforeTheDatabaseDoes) {
  World world = a_tenant_with_mas();
  world.resource.status = status_of(world);
  change_spec(world, [](auto& spec) { spec.hibernated = true; });
  world.pods.emplace_back(std::make_shared<const json>(
      json{{"kind", "Pod"}, {"metadata", {{"name", "acme-mas-7d9f8"}}}}));
  converge(world);
  EXPECT_EQ(integer_at(*world.child("Deployment", "acme-mas"), "spec/replicas", -1), 0);
  EXPECT_EQ(integer_at(*world.child("StatefulSet", "acme-database"), "spec/replicas", -1), 1);
  world.pods.clear();
  world.tenant.database_is_unused = database_is_unused(world);
  converge(world);
  EXPECT_EQ(integer_at(*world.child("StatefulSet", "acme-database"), "spec/replicas", -1), 0);
  EXPECT_TRUE(is_hibernated(status_of(world)));
}

TEST(Mas, TellsWhatToRegisterWithProviders) {
  World world = a_tenant_with_mas();
  change_spec(world, [](auto& spec) {
    spec.authentication.oidc = {{.id = "acme",
                                 .display_name = "Acme",
                                 .issuer = "https://id.acme.example",
                                 .client_id = "matrix",
                                 .secret_name = "login",
                                 .secret_key = "client-secret"}};
  });
  const json providers = status_of(world).at("identityProviders");
  EXPECT_EQ(providers[0].at("id"), "acme");
  EXPECT_EQ(providers[0].at("redirectUri"),
            "https://account.acme.example/upstream/callback/" + ulid_of_provider("acme"));
}

TEST(Draw, AHexKeyIsThirtyTwoBytes) {
  const Secret key = draw(manifests::SecretRecipe::Draw::hex_key);
  EXPECT_EQ(key.reveal().size(), 64U);
  EXPECT_EQ(key.reveal().find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(key.reveal(), draw(manifests::SecretRecipe::Draw::hex_key).reveal());
}

TEST(Draw, AnRsaKeyIsPkcs8InPem) {
  const Secret pem = draw(manifests::SecretRecipe::Draw::rsa_key);
  EXPECT_TRUE(pem.reveal().starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const openssl::Bio text = openssl::reader_of(pem.reveal());
  const openssl::PrivateKey key{PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr)};
  ASSERT_TRUE(key);
  EXPECT_EQ(EVP_PKEY_get_base_id(key.get()), EVP_PKEY_RSA);
  EXPECT_EQ(EVP_PKEY_get_bits(key.get()), 2048);
}

}  // namespace
}  // namespace alphorn::homeserver::test
