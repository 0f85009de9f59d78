// Secrets that the company brings: what is said about them, and what is done with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "homeserver/readiness.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

constexpr const char* kSecret = "bought";

/// The company's Secret is there and in order; everything else is as before.
World a_tenant_with_its_own() {
  World world = a_running_tenant();
  world.tenant.spec.tls = {.mode = api::Tls::Mode::secret, .secret_name = kSecret};
  world.seen_at = kNow;
  world.children.insert_or_assign(
      ChildId{.kind = "Secret", .name = kSecret},
      std::make_shared<const json>(
          json{{"kind", "Secret"}, {"metadata", {{"name", kSecret}, {"uid", "of-the-company"}}}}));
  world.certificate = certificates::Facts{.serial = "0B",
                                          .not_before = kNow - hours(1),
                                          .not_after = kNow + hours(24 * 60),
                                          .hosts = {"*.acme.example", "acme.example"}};
  world.certificate_is_usable = true;
  world.tenant.certificate_serial = "0B";
  return world;
}

TEST(BroughtCertificate, TakesThePlaceOfTheOperators) {
  World world = a_tenant_with_its_own();
  converge(world);
  EXPECT_TRUE(certificates_ready(world).ready);
  EXPECT_EQ(world.child("Secret", "acme-gateway-tls"), nullptr);
  EXPECT_EQ(world.child("ConfigMap", "acme-ca"), nullptr);
  EXPECT_NE(world.child("Secret", kSecret), nullptr);
  EXPECT_THAT(world.child("Deployment", "acme-gateway")->dump(),
              HasSubstr(R"("secretName":"bought")"));
}

TEST(BroughtCertificate, WhatIsWrongIsNamed) {
  World world = a_tenant_with_its_own();
  const auto says = [&](const char* reason, const char* word) {
    const Readiness readiness = certificates_ready(world);
    EXPECT_EQ(readiness.reason, reason);
    EXPECT_THAT(readiness.message, HasSubstr(word));
  };
  world.seen_at = kNow + hours(24 * 50);
  says("CertificateExpiresSoon", "2027-01-22T12:00:00Z");
  EXPECT_TRUE(certificates_ready(world).ready);
  world.seen_at = kNow + hours(24 * 60);
  says("CertificateExpired", "2027-01-22T12:00:00Z");
  world.seen_at = kNow - hours(2);
  says("CertificateNotYetValid", "2026-11-23T11:00:00Z");
  world.seen_at = kNow;
  world.certificate->hosts = {"*.acme.example"};
  says("CertificateForOtherHosts", "is not for acme.example");
  world.certificate_is_usable = false;
  says("CertificateKeyMismatch", "tls.key");
  world.certificate.reset();
  says("CertificateUnreadable", "tls.crt");
  world.children.erase({.kind = "Secret", .name = kSecret});
  says("CertificateSecretMissing", "kubectl label secret bought alphorn.dev/tenant=acme");
}

TEST(BroughtCertificate, TheGatewayStaysAsItWasWhileItIsWrong) {
  World world = a_tenant_with_its_own();
  converge(world);
  world.certificate.reset();
  world.tenant.certificate_serial = "";
  EXPECT_TRUE(plan_of(world).empty()) << plan_of(world);
}

TEST(BroughtClientSecret, IsNamedWhileItIsMissingAndHoldsUpTheHomeserverAlone) {
  World world = a_new_tenant();
  world.tenant.spec.authentication.oidc = {
      {.id = "acme", .secret_name = "acme-login", .secret_key = "matrix"}};
  converge(world);
  EXPECT_EQ(authentication_ready(world).reason, "ClientSecretMissing");
  EXPECT_THAT(authentication_ready(world).message,
              HasSubstr("provider acme: there is no Secret acme-login with the label"));
  EXPECT_NE(world.child("StatefulSet", "acme-database"), nullptr);
  EXPECT_EQ(world.child("StatefulSet", "acme-homeserver"), nullptr);

  const auto bring = [&](const json& data) {
    world.children.insert_or_assign(
        ChildId{.kind = "Secret", .name = "acme-login"},
        std::make_shared<const json>(
            json{{"kind", "Secret"}, {"metadata", {{"name", "acme-login"}}}, {"data", data}}));
  };
  bring({{"other", "eA=="}});
  EXPECT_THAT(authentication_ready(world).message, HasSubstr("has no key \"matrix\""));
  bring({{"matrix", "eA=="}});
  EXPECT_TRUE(authentication_ready(world).ready);
  converge(world);
  EXPECT_NE(world.child("StatefulSet", "acme-homeserver"), nullptr);
  EXPECT_NE(world.child("Secret", "acme-login"), nullptr);
}

}  // namespace
}  // namespace alphorn::homeserver::test
