#include "certificates/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alphorn::certificates {
namespace {

using std::chrono::hours;
const TimePoint kNow = *parse_time("2026-11-23T12:00:00Z");

TEST(Certificates, LeafCarriesItsHostsAndIsSignedByItsAuthority) {
  const KeyPair authority = make_authority("Alphorn tenants", kNow);
  const KeyPair leaf = issue(authority, {"matrix.acme.example", "acme.example"}, kNow);
  const auto facts = inspect(leaf.certificate_pem);
  ASSERT_TRUE(facts);
  EXPECT_THAT(facts->hosts, testing::ElementsAre("acme.example", "matrix.acme.example"));
  EXPECT_TRUE(is_signed_by(leaf.certificate_pem, authority.certificate_pem));
  EXPECT_FALSE(is_signed_by(leaf.certificate_pem, make_authority("Another", kNow).certificate_pem));
}

TEST(Certificates, AStarCoversOneWholeLabel) {
  const Facts facts{.hosts = {"*.acme.example", "Beta.example"}};
  EXPECT_TRUE(covers(facts, "matrix.acme.example"));
  EXPECT_TRUE(covers(facts, "beta.example"));
  EXPECT_FALSE(covers(facts, "acme.example"));
  EXPECT_FALSE(covers(facts, "a.matrix.acme.example"));
  EXPECT_FALSE(covers(facts, "matrix.beta.example"));
  EXPECT_FALSE(covers(facts, ".acme.example"));
}

TEST(Certificates, FactsSurviveBeingWrittenDown) {
  const KeyPair authority = make_authority("Alphorn tenants", kNow);
  const auto facts = inspect(issue(authority, {"a.example", "b.example"}, kNow).certificate_pem);
  EXPECT_EQ(facts_from(to_text(*facts)), facts);
}

TEST(Certificates, ASealBreaksWithAnyPartOfIt) {
  const KeyPair authority = make_authority("Alphorn tenants", kNow);
  const KeyPair leaf = issue(authority, {"a.example"}, kNow);
  const KeyPair other = issue(authority, {"a.example"}, kNow);
  const std::string seal = seal_of(leaf, "facts", authority.certificate_pem);
  EXPECT_EQ(seal, seal_of(leaf, "facts", authority.certificate_pem));
  EXPECT_NE(seal, seal_of(leaf, "other facts", authority.certificate_pem));
  EXPECT_NE(seal, seal_of(leaf, "facts", other.certificate_pem));
  EXPECT_NE(seal,
            seal_of({leaf.certificate_pem, other.key_pem}, "facts", authority.certificate_pem));
  EXPECT_NE(seal,
            seal_of({other.certificate_pem, leaf.key_pem}, "facts", authority.certificate_pem));
}

TEST(Certificates, LeafLivesNinetyDaysAndIsDueAtTwoThirds) {
  const KeyPair authority = make_authority("Alphorn tenants", kNow);
  const auto facts = inspect(issue(authority, {"acme.example"}, kNow).certificate_pem);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->not_after, kNow + hours(24 * 90));
  EXPECT_LT(renewal_due(*facts), kNow + hours(24 * 60));
  EXPECT_GT(renewal_due(*facts), kNow + hours(24 * 59));
}

TEST(Certificates, SerialsDiffer) {
  const KeyPair authority = make_authority("Alphorn tenants", kNow);
  EXPECT_NE(inspect(issue(authority, {"a.example"}, kNow).certificate_pem)->serial,
            inspect(issue(authority, {"a.example"}, kNow).certificate_pem)->serial);
}

TEST(Certificates, LongHostNamesFit) {
  const KeyPair authority = make_authority("Alphorn tenants", kNow);
  const std::string host = std::string(60, 'a') + "." + std::string(60, 'b') + ".example";
  EXPECT_THAT(inspect(issue(authority, {host}, kNow).certificate_pem)->hosts,
              testing::ElementsAre(host));
}

TEST(Certificates, KeyIsToldFromAnothersKey) {
  const KeyPair authority = make_authority("Alphorn tenants", kNow);
  const KeyPair leaf = issue(authority, {"a.example"}, kNow);
  EXPECT_TRUE(key_matches(leaf.certificate_pem, leaf.key_pem));
  EXPECT_FALSE(key_matches(leaf.certificate_pem, authority.key_pem));
  EXPECT_FALSE(key_matches(leaf.certificate_pem, Secret("nonsense")));
}

TEST(Certificates, OnlyAnAuthorityInForceIsOne) {
  const KeyPair authority = make_authority("Alphorn tenants", kNow);
  EXPECT_TRUE(is_authority(authority.certificate_pem, kNow));
  EXPECT_FALSE(is_authority(authority.certificate_pem, kNow + hours(24 * 3651)));
  EXPECT_FALSE(is_authority(issue(authority, {"a.example"}, kNow).certificate_pem, kNow));
}

TEST(Certificates, UnreadableTextIsNoCertificate) {
  EXPECT_FALSE(facts_from(""));
  EXPECT_FALSE(facts_from("{}"));
  EXPECT_FALSE(inspect(""));
  EXPECT_FALSE(inspect("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"));
  EXPECT_FALSE(is_signed_by("", ""));
}

}  // namespace
}  // namespace alphorn::certificates
