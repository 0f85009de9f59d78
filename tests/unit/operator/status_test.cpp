#include "homeserver/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using testing::HasSubstr;

json status_of(const World& world, TimePoint now = kNow) {
  return summarize(world, plan_of(world, now), {}, now);
}

TEST(Status, ReadyTenantNamesItsAddressAndAdministrator) {
  const json status = status_of(a_running_tenant());
  EXPECT_EQ(reported(status, "Ready").status, "True");
  EXPECT_EQ(reported(status, "Reconciling").status, "False");
  EXPECT_EQ(string_at(status, "address"), "https://matrix.acme.example");
  EXPECT_EQ(string_at(status, "administrator/userId"), "@admin:acme.example");
  EXPECT_EQ(string_at(status, "administrator/secretName"), "acme-administrator");
  EXPECT_EQ(string_at(status, "version"), "1.163.2");
  EXPECT_EQ(string_at(status, "signingKeyId"), "ed25519:a_test");
}

TEST(Status, IsTheSameOnTheNextPass) {
  World world = a_running_tenant();
  world.resource.status = status_of(world);
  EXPECT_EQ(status_of(world, kNow + std::chrono::hours(1)), world.resource.status);
}

TEST(Status, TransitionTimeMovesOnlyWhenAConditionFlips) {
  World world = a_running_tenant();
  world.resource.status = status_of(world);
  world.homeserver->problem = "the homeserver cannot be reached";
  const json status = status_of(world, kNow + std::chrono::hours(1));
  for (const json& condition : status.at("conditions")) {
    const bool flipped =
        condition.at("type") == "Ready" || condition.at("type") == "Reconciling" ||
        condition.at("type") == "HomeserverReady" || condition.at("type") == "BucketReady" ||
        condition.at("type") == "AdministratorReady" || condition.at("type") == "GatewayReady";
    EXPECT_EQ(condition.at("lastTransitionTime"),
              flipped ? "2026-11-23T13:00:00Z" : "2026-11-23T12:00:00Z")
        << condition;
  }
}

TEST(Status, NamesTheFirstComponentThatIsNotReady) {
  World world = a_running_tenant();
  change(world, "StatefulSet", "acme-database",
         [](json& set) { set["status"]["readyReplicas"] = 0; });
  const Reported ready = reported(status_of(world), "Ready");
  EXPECT_EQ(ready.reason, "DatabaseNotReady");
  EXPECT_EQ(reported(status_of(world), "HomeserverReady").message, "waits until database is ready");
}

TEST(Status, OneSilenceIsProgressAndTheSecondIsTrouble) {
  World world = a_running_tenant();
  world.resource.status = status_of(world);
  world.homeserver->problem = "the homeserver cannot be reached";
  world.resource.status = status_of(world);
  EXPECT_EQ(reported(world.resource.status, "HomeserverReady").reason, "Asking");
  EXPECT_FALSE(is_trouble(world.resource.status));
  world.resource.status = status_of(world);
  EXPECT_EQ(reported(world.resource.status, "HomeserverReady").reason, "NoAnswer");
  EXPECT_TRUE(is_trouble(world.resource.status));
}

json waiting_pod(const std::string& reason) {
  return {
      {"kind", "Pod"},
      {"metadata", {{"name", "acme-database-0"}}},
      {"status",
       {{"containerStatuses",
         json::array(
             {{{"name", "postgres"},
               {"image", "postgres:99"},
               {"state", {{"waiting", {{"reason", reason}, {"message", "back-off 10s"}}}}}}})}}}};
}

TEST(Status, ExplainsAMissingImageInWordsThatDoNotFlicker) {
  World world = a_running_tenant();
  change(world, "StatefulSet", "acme-database",
         [](json& set) { set["status"]["readyReplicas"] = 0; });
  world.pods = {std::make_shared<const json>(waiting_pod("ErrImagePull"))};
  const json first = status_of(world);
  world.pods = {std::make_shared<const json>(waiting_pod("ImagePullBackOff"))};
  EXPECT_EQ(status_of(world), first);
  EXPECT_EQ(reported(first, "DatabaseReady").reason, "ImagePullFailed");
  EXPECT_THAT(reported(first, "Ready").message, HasSubstr("postgres:99"));
}

TEST(Status, NamesAMissingStorageClass) {
  World world = a_running_tenant();
  change(world, "PersistentVolumeClaim", "acme-media", [](json& claim) {
    claim["status"]["phase"] = "Pending";
    claim["spec"]["storageClassName"] = "fast";
  });
  const Reported ready = reported(status_of(world), "Ready");
  EXPECT_EQ(ready.reason, "VolumesNotReady");
  EXPECT_THAT(ready.message, HasSubstr("storage class \"fast\""));
}

TEST(Status, InvalidSpecIsStalledAndKeepsWhatIsKnown) {
  World world = a_running_tenant();
  world.resource.status = status_of(world);
  world.violations = {{.field = "spec.channel", .message = "there is no channel \"x\""}};
  const json status = summarize(world, Plan{}, {}, kNow);
  EXPECT_EQ(reported(status, "Stalled").status, "True");
  EXPECT_THAT(reported(status, "Ready").message, HasSubstr("spec.channel: there is no"));
  EXPECT_EQ(string_at(status, "address"), "https://matrix.acme.example");
}

TEST(Status, LostKeysStallTheTenantAndSayWhatToDo) {
  const World world = a_running_tenant();
  const json status =
      summarize(world, plan_of(world), {{"keys", {"KeysLost", "restore it from a backup"}}}, kNow);
  EXPECT_EQ(reported(status, "Stalled").status, "True");
  EXPECT_EQ(reported(status, "Stalled").reason, "KeysLost");
  EXPECT_THAT(reported(status, "Ready").message, HasSubstr("restore it from a backup"));
}

TEST(Status, ConditionOfSomebodyElseIsNoDifference) {
  const World world = a_running_tenant();
  const json status = status_of(world);
  json stored = status;
  const json foreign = {{"type", "Foreign"}, {"status", "True"}};
  stored["conditions"].push_back(foreign);
  EXPECT_FALSE(status_differs(status, stored));
  stored["conditions"][0]["status"] = "Unknown";
  EXPECT_TRUE(status_differs(status, stored));
  stored = status;
  stored["former"] = "field";
  EXPECT_TRUE(status_differs(status, stored));
}

TEST(Status, LongMessageIsCutAtACharacter) {
  const World world = a_running_tenant();
  std::string text;
  for (int i = 0; i < 600; ++i) text += "\u00e9";
  const json status = summarize(world, plan_of(world), {{"gateway", {"Failed", text}}}, kNow);
  EXPECT_NO_THROW(status.dump());
  EXPECT_LE(reported(status, "GatewayReady").message.size(), 1024U);
}

json crashing_pod(const json& state) {
  return {{"kind", "Pod"},
          {"metadata", {{"name", "acme-database-0"}}},
          {"status",
           {{"containerStatuses", json::array({{{"name", "postgres"},
                                                {"ready", false},
                                                {"restartCount", 3},
                                                {"lastState", {{"terminated", {{"exitCode", 1}}}}},
                                                {"state", state}}})}}}};
}

TEST(Status, CrashLoopReadsTheSameBetweenTwoCrashes) {
  World world = a_running_tenant();
  change(world, "StatefulSet", "acme-database",
         [](json& set) { set["status"]["readyReplicas"] = 0; });
  world.pods = {std::make_shared<const json>(
      crashing_pod({{"waiting", {{"reason", "CrashLoopBackOff"}, {"message", "back-off 40s"}}}}))};
  const json first = status_of(world);
  world.pods = {std::make_shared<const json>(crashing_pod({{"running", json::object()}}))};
  EXPECT_EQ(status_of(world), first);
  EXPECT_EQ(reported(first, "DatabaseReady").reason, "CrashLooping");
}

TEST(Status, PausedTenantKeepsServingAndSaysSo) {
  World world = a_running_tenant();
  world.resource.spec.paused = true;
  world.children.erase({.kind = "ConfigMap", .name = "acme-ca"});
  const json status = status_of(world);
  EXPECT_EQ(reported(status, "Ready").status, "True");
  EXPECT_EQ(reported(status, "Reconciling").reason, "Paused");
}

TEST(Status, FailureOfThisPassComesFirst) {
  const World world = a_running_tenant();
  const json status = summarize(world, plan_of(world), {{"gateway", {"Failed", "refused"}}}, kNow);
  EXPECT_EQ(reported(status, "Ready").reason, "GatewayNotReady");
  EXPECT_EQ(reported(status, "GatewayReady").message, "refused");
}

TEST(Status, AccountMadeInThisPassMakesTheTenantReady) {
  World world = a_running_tenant();
  world.resource.status.erase("administrator");
  const Plan plan = plan_of(world);
  const json status = summarize(world, plan, {}, kNow);
  EXPECT_EQ(reported(status, "Ready").status, "True");
  EXPECT_EQ(string_at(status, "administrator/registration"), registration_of(world));
  const json failed = summarize(world, plan, {{"administrator", {"Failed", "refused"}}}, kNow);
  EXPECT_EQ(reported(failed, "AdministratorReady").message, "refused");
  EXPECT_FALSE(failed.contains("administrator"));
}

TEST(Status, SigningKeyIsReportedOnceAllKeysExistAndNeverTakenBack) {
  World world = a_running_tenant();
  world.children.erase({.kind = "Secret", .name = "acme-database-keys"});
  EXPECT_FALSE(status_of(world).contains("signingKeyId"));
  world.resource.status["signingKeyId"] = "ed25519:a_test";
  world.signing_key_id.clear();
  EXPECT_EQ(string_at(status_of(world), "signingKeyId"), "ed25519:a_test");
}

TEST(Status, OnlyStepsOnTheWayAreProgress) {
  World world = a_running_tenant();
  const json ready = status_of(world);
  change(world, "StatefulSet", "acme-homeserver",
         [](json& set) { set["status"]["readyReplicas"] = 0; });
  const json waits = status_of(world);
  change(world, "StatefulSet", "acme-database",
         [](json& set) { set["status"]["readyReplicas"] = 0; });
  const json waits_longer = status_of(world);
  EXPECT_TRUE(is_progress(waits, waits_longer));
  EXPECT_FALSE(is_progress(ready, waits));
  EXPECT_FALSE(is_progress(waits, ready));
  EXPECT_FALSE(is_progress(waits, json::object())) << "the first status";
  world.pods = {std::make_shared<const json>(waiting_pod("CrashLoopBackOff"))};
  EXPECT_FALSE(is_progress(status_of(world), waits)) << "trouble";
  json other_wish = waits;
  other_wish["observedGeneration"] = 7;
  EXPECT_FALSE(is_progress(other_wish, waits));
}

TEST(Status, TroubleIsToldApartFromProgress) {
  World world = a_running_tenant();
  EXPECT_FALSE(is_trouble(status_of(world)));
  change(world, "StatefulSet", "acme-database",
         [](json& set) { set["status"]["readyReplicas"] = 0; });
  EXPECT_FALSE(is_trouble(status_of(world)));
  world.pods = {std::make_shared<const json>(waiting_pod("CrashLoopBackOff"))};
  EXPECT_TRUE(is_trouble(status_of(world)));
}

TEST(Status, WrongVersionAndWrongKeyAreNotReady) {
  World world = a_running_tenant();
  world.homeserver->version = "1.0.0";
  EXPECT_EQ(reported(status_of(world), "HomeserverReady").reason, "WrongVersion");
  world = a_running_tenant();
  world.homeserver->signing_key_ids = {"ed25519:other"};
  EXPECT_EQ(reported(status_of(world), "HomeserverReady").reason, "WrongSigningKey");
}

}  // namespace
}  // namespace alphorn::homeserver::test
