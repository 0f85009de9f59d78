// A bucket for uploaded files: what is said about its key and about itself, and what waits for
// which.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "homeserver/readiness.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSecret = "acme-bucket";

void bring(World& world, const json& data) {
  world.children.insert_or_assign(
      ChildId{.kind = "Secret", .name = kSecret},
      std::make_shared<const json>(
          json{{"kind", "Secret"}, {"metadata", {{"name", kSecret}}}, {"data", data}}));
}

World a_tenant_with_a_bucket() {
  World world = a_new_tenant();
  world.tenant.spec.media_bucket = api::MediaBucket{.bucket = "acme-media",
                                                    .region = "us-east-1",
                                                    .endpoint = "https://s3.dc.example",
                                                    .secret_name = kSecret,
                                                    .keep_local = "30d"};
  return world;
}

TEST(Bucket, AMissingKeyHoldsUpTheHomeserverAlone) {
  World world = a_tenant_with_a_bucket();
  converge(world);
  EXPECT_EQ(media_ready(world).reason, "MediaKeyMissing");
  EXPECT_THAT(media_ready(world).message, HasSubstr("there is no Secret acme-bucket"));
  EXPECT_NE(world.child("StatefulSet", "acme-database"), nullptr);
  EXPECT_EQ(world.child("StatefulSet", "acme-homeserver"), nullptr);
  bring(world, {{"access-key-id", "eA=="}});
  EXPECT_THAT(media_ready(world).message, HasSubstr("has no key \"secret-access-key\""));
  bring(world, {{"access-key-id", "eA=="}, {"secret-access-key", "eA=="}});
  EXPECT_TRUE(media_ready(world).ready);
  converge(world);
  EXPECT_NE(world.child("StatefulSet", "acme-homeserver"), nullptr);
}

TEST(Bucket, WhatIsWrongIsNamedAndHoldsUpNobody) {
  World world = a_tenant_with_a_bucket();
  bring(world, {{"access-key-id", "eA=="}, {"secret-access-key", "eA=="}});
  converge(world);
  EXPECT_TRUE(readiness_of(plan_of(world), "gateway").ready);
  EXPECT_EQ(bucket_ready(world).reason, "NotAsked");
  const auto says = [&](const BucketAnswer& answer, const char* reason, const char* words) {
    world.bucket = answer;
    const Readiness readiness = bucket_ready(world);
    EXPECT_FALSE(readiness.ready);
    EXPECT_EQ(readiness.reason, reason);
    EXPECT_THAT(readiness.message, HasSubstr(words));
    EXPECT_TRUE(readiness_of(plan_of(world), "gateway").ready);
  };
  says({.problem = "", .finding = "asking"}, "Asking", "acme-media");
  says({.problem = "", .finding = "missing", .code = "NoSuchBucket"}, "BucketMissing",
       "bucket acme-media at https://s3.dc.example does not exist (NoSuchBucket)");
  says({.problem = "", .finding = "refused", .code = "InvalidAccessKeyId"}, "BucketRefused",
       "(InvalidAccessKeyId): Secret acme-bucket has the key");
  says({.problem = "", .finding = "untrusted"}, "BucketUntrusted", "homeserver.caBundle");
  says({.problem = "", .finding = "unreachable"}, "BucketUnreachable", "media.s3.networks");
  says({.problem = "", .finding = "failing", .code = "SlowDown"}, "BucketFailing", "(SlowDown)");
  says({.problem = "it cannot be reached"}, "Asking", "it cannot be reached");
  world.bucket = BucketAnswer{.problem = "", .finding = "well"};
  EXPECT_TRUE(bucket_ready(world).ready);
}

TEST(Bucket, SleepsWithTheHomeserver) {
  World world = a_tenant_with_a_bucket();
  bring(world, {{"access-key-id", "eA=="}, {"secret-access-key", "eA=="}});
  converge(world);
  world.tenant.spec.hibernated = world.resource.spec.hibernated = true;
  converge(world);
  EXPECT_EQ(readiness_of(plan_of(world), "bucket"), kHibernated);
}

}  // namespace
}  // namespace alphorn::homeserver::test
