// A certificate that cert-manager has signed: what is said about it, and what is done with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "homeserver/readiness.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

constexpr const char* kName = "acme-gateway-issued";

World a_tenant_with_an_issuer() {
  World world = a_running_tenant();
  world.tenant.spec.tls = {
      .mode = api::Tls::Mode::cert_manager,
      .issuer = api::IssuerRef{.name = "public", .kind = "ClusterIssuer", .group = "g"}};
  world.tenant.has_certificates = true;
  world.seen_at = kNow;
  return world;
}

void put(World& world, json object) {
  const ChildId id = child_id(object);
  world.children.insert_or_assign(id, std::make_shared<const json>(std::move(object)));
}

json condition(const char* type, const char* status, const char* reason, const char* message) {
  return {{"type", type}, {"status", status}, {"reason", reason}, {"message", message}};
}

/// The Certificate as the operator made it, with what cert-manager says.
void say(World& world, const json& conditions) {
  change(world, "Certificate", kName, [&](json& certificate) {
    certificate["status"] = {{"conditions", conditions}};
  });
}

void answer(World& world, const char* name, const char* revision, const json& ready) {
  put(world, {{"kind", "CertificateRequest"},
              {"metadata",
               {{"name", name},
                {"annotations", {{"cert-manager.io/certificate-revision", revision}}},
                {"ownerReferences", json::array({{{"uid", std::string{"uid-of-"} + kName}}})}}},
              {"status", {{"conditions", json::array({ready})}}}});
}

void issue(World& world) {
  say(world, json::array({condition("Ready", "True", "Ready", "")}));
  put(world, {{"kind", "Secret"}, {"metadata", {{"name", kName}, {"uid", "of-cert-manager"}}}});
  world.certificate = certificates::Facts{.serial = "0C",
                                          .not_before = kNow - hours(1),
                                          .not_after = kNow + hours(2),
                                          .hosts = {"*.acme.example", "acme.example"}};
  world.certificate_is_usable = true;
  world.tenant.certificate_serial = "0C";
}

TEST(IssuedCertificate, IsAskedForAndTakesThePlaceOfTheOperators) {
  World world = a_tenant_with_an_issuer();
  converge(world);
  ASSERT_NE(world.child("Certificate", kName), nullptr);
  EXPECT_EQ(certificates_ready(world).reason, "CertificatePending");
  EXPECT_NE(world.child("Secret", "acme-gateway-tls"), nullptr) << "it is still shown";
  issue(world);
  converge(world);
  EXPECT_TRUE(certificates_ready(world).ready);
  EXPECT_EQ(certificates_ready(world).reason, "Ready") << "two hours may be its whole life";
  EXPECT_EQ(world.child("Secret", "acme-gateway-tls"), nullptr);
  EXPECT_EQ(world.child("ConfigMap", "acme-ca"), nullptr);
  EXPECT_THAT(world.child("Deployment", "acme-gateway")->dump(), HasSubstr(kName));
}

TEST(IssuedCertificate, WithoutCertManagerNothingIsAskedFor) {
  World world = a_tenant_with_an_issuer();
  world.tenant.has_certificates = false;
  converge(world);
  EXPECT_EQ(world.child("Certificate", kName), nullptr);
  EXPECT_EQ(certificates_ready(world).reason, "CertManagerMissing");
}

TEST(IssuedCertificate, TheLastRequestTellsWhyThereIsNone) {
  World world = a_tenant_with_an_issuer();
  converge(world);
  say(world, json::array({condition("Ready", "False", "DoesNotExist", "no Secret"),
                          condition("Issuing", "True", "DoesNotExist", "")}));
  const auto says = [&](const char* reason, const char* word) {
    const Readiness readiness = certificates_ready(world);
    EXPECT_EQ(readiness.reason, reason);
    EXPECT_THAT(readiness.message, HasSubstr(word));
    EXPECT_THAT(readiness.message, HasSubstr("ClusterIssuer public"));
  };
  says("CertificatePending", "cert-manager does not run");
  answer(world, "one", "1",
         condition("Ready", "False", "Pending", "Referenced \"ClusterIssuer\" not found: public"));
  says("IssuerMissing", "not found");
  answer(world, "two", "2",
         condition("Ready", "False", "Pending",
                   "Referenced issuer does not have a Ready status condition"));
  says("IssuerNotReady", "Ready status");
  answer(world, "three", "3", condition("Ready", "False", "Failed", "no such domain"));
  says("CertificateRefused", "no such domain");
  answer(world, "ten", "10", condition("Ready", "False", "Pending", "order is under way"));
  says("CertificatePending", "under way");
}

TEST(IssuedCertificate, ARenewalThatDoesNotComeIsSaid) {
  World world = a_tenant_with_an_issuer();
  converge(world);
  issue(world);
  change(world, "Certificate", kName, [](json& certificate) {
    certificate["status"]["renewalTime"] = format_time(kNow - hours(2));
  });
  answer(world, "two", "2", condition("Ready", "False", "Failed", "the issuer is out of order"));
  EXPECT_TRUE(certificates_ready(world).ready);
  EXPECT_EQ(certificates_ready(world).reason, "CertificateRenewalLate");
  EXPECT_THAT(certificates_ready(world).message, HasSubstr("out of order"));
}

}  // namespace
}  // namespace alphorn::homeserver::test
