// New keys when somebody asks for them: once for each wish, and nothing old is forgotten.
#include "homeserver/rotation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "homeserver/settled.hpp"
#include "homeserver/signing_key.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using testing::HasSubstr;

json status_of(const World& world) { return summarize(world, plan_of(world), {}, kNow); }

std::vector<std::string> steps_of(const World& world) {
  std::vector<std::string> lines;
  for (const ComponentPlan& component : plan_of(world).components) {
    for (const Step& step : component.steps) lines.push_back(describe(step));
  }
  return lines;
}

constexpr const char* kRotatesSigningKey = "rotate signing-key in Secret acme-homeserver-keys";

TEST(SigningKey, HasTheIdAndThePublicPartOfItsSeed) {
  // RFC 8032, 7.1, test 1.
  const Secret key{"ed25519 a_1b2c nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\n"};
  EXPECT_EQ(signing_key_id(key.reveal()), "ed25519:a_1b2c");
  EXPECT_EQ(public_part_of(key), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  EXPECT_THROW(public_part_of(Secret{"ed25519 a_1b2c \n"}), std::runtime_error);
  EXPECT_THROW(public_part_of(Secret{"nonsense"}), std::runtime_error);
  const Secret drawn = draw_signing_key();
  EXPECT_EQ(public_part_of(drawn).size(), 43U);
  EXPECT_NE(public_part_of(drawn), public_part_of(draw_signing_key()));
}

TEST(Rotation, HappensOnceForEachWish) {
  World world = a_running_tenant();
  world.resource.rotations = {{"signing-key", "first"}};
  EXPECT_THAT(steps_of(world), testing::ElementsAre(kRotatesSigningKey));
  converge(world);
  EXPECT_EQ(world.signing_key_id, "ed25519:a_testn");
  EXPECT_TRUE(plan_of(world).empty());
  world.resource.rotations.clear();
  EXPECT_TRUE(plan_of(world).empty()) << "a wish that is withdrawn is no wish";
  world.resource.rotations = {{"signing-key", "second"}};
  EXPECT_THAT(steps_of(world), testing::ElementsAre(kRotatesSigningKey));
}

TEST(Rotation, RollsTheHomeserverAndTellsOthersOfTheFormerKey) {
  World world = a_running_tenant();
  const json before = *world.child("StatefulSet", "acme-homeserver");
  world.resource.rotations = {{"signing-key", "first"}};
  converge(world);
  EXPECT_THAT(at_path(*world.child("ConfigMap", "acme-homeserver"), "data").dump(),
              HasSubstr("old_signing_keys:\\n  ed25519:a_test:"));
  EXPECT_NE(at_path(*world.child("StatefulSet", "acme-homeserver"), "spec/template"),
            at_path(before, "spec/template"));
  EXPECT_EQ(string_at(status_of(world), "signingKeyId"), "ed25519:a_testn");
}

TEST(Rotation, OfTheMacaroonSecretRollsTheHomeserverAndKeepsTheSigningKey) {
  World world = a_running_tenant();
  const json before = *world.child("StatefulSet", "acme-homeserver");
  world.resource.rotations = {{"macaroon-secret", "first"}};
  converge(world);
  EXPECT_NE(at_path(*world.child("StatefulSet", "acme-homeserver"), "spec/template"),
            at_path(before, "spec/template"));
  EXPECT_EQ(world.signing_key_id, "ed25519:a_test");
}

TEST(Rotation, WaitsForAHomeserverThatIsWell) {
  World world = a_running_tenant();
  world.resource.rotations = {{"signing-key", "first"}};
  world.homeserver->problem = "the homeserver cannot be reached";
  EXPECT_TRUE(plan_of(world).empty());
  EXPECT_EQ(reported(status_of(world), "KeysReady").reason, "RotationWaiting");
  EXPECT_EQ(reported(status_of(world), "KeysReady").status, "True");
}

TEST(Rotation, AlsoHappensWhileTheTenantSleeps) {
  World world = a_running_tenant();
  world.resource.spec.hibernated = world.tenant.spec.hibernated = true;
  converge(world);
  world.resource.rotations = {{"signing-key", "first"}};
  EXPECT_THAT(steps_of(world), testing::ElementsAre(kRotatesSigningKey));
}

TEST(Rotation, IsSeenByWhoeverRemembersThatAllWasWell) {
  World world = a_running_tenant();
  Settled settled;
  EXPECT_TRUE(diff(world, kNow, settled).empty());
  world.resource.rotations = {{"signing-key", "first"}};
  EXPECT_FALSE(diff(world, kNow, settled).empty());
  world.resource.rotations = {{"signing-kee", "first"}};
  EXPECT_EQ(readiness_of(diff(world, kNow, settled), "keys").reason, "RotationUnknown");
}

TEST(Rotation, IsNoTroubleWhileTheFormerKeyStillSigns) {
  World world = a_running_tenant();
  world.resource.rotations = {{"signing-key", "first"}};
  converge(world);
  world.homeserver->signing_key_ids = {"ed25519:a_test"};
  const json status = status_of(world);
  EXPECT_EQ(reported(status, "HomeserverReady").reason, "RollingOut");
  EXPECT_FALSE(is_trouble(status));
  world.homeserver->signing_key_ids = {"ed25519:a_strange"};
  EXPECT_EQ(reported(status_of(world), "Stalled").reason, "WrongSigningKey");
}

TEST(Rotation, OfWhatNobodyKnowsIsNamed) {
  World world = a_running_tenant();
  world.resource.rotations = {{"pepper", "first"}};
  EXPECT_TRUE(plan_of(world).empty());
  const json status = status_of(world);
  EXPECT_TRUE(is_ready(status));
  EXPECT_EQ(reported(status, "KeysReady").reason, "RotationUnknown");
  EXPECT_THAT(reported(status, "KeysReady").message, HasSubstr("alphorn.dev/rotate-pepper"));
}

}  // namespace
}  // namespace alphorn::homeserver::test
