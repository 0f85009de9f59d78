// When a CompanyDirectory is run, and what its status tells of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "directories/plan.hpp"
#include "directories/status.hpp"
#include "homeserver/status.hpp"
#include "manifests/vocabulary.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::directories {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kUid = "7a1c8a52-6f0e-4c52-9f0c-1b2d3c4e5f60";

json a_resource() {
  return {{"metadata",
           {{"name", "acme"},
            {"namespace", "acme"},
            {"uid", kUid},
            {"generation", 3},
            {"creationTimestamp", "2026-11-01T00:00:00Z"}}},
          {"spec",
           {{"serverName", "acme.example"},
            {"schedule", "30 3 * * *"},
            {"employees", {{"people", json::array({{{"localpart", "anna"}}})}}}}}};
}

/// A ready homeserver with a directory of which nothing was made yet.
World world_of(const json& resource, const std::optional<json>& source = std::nullopt) {
  World world{.resource = api::company_directory_from(resource),
              .seen_at = *parse_time("2026-11-27T12:00:00Z")};
  world.tenant.emplace();
  world.tenant->name = "acme";
  world.tenant->ns = "acme";
  world.tenant->uid = "0b54cbb1-9d3d-4ba9-8f1f-6a3a2a1b7d55";
  world.tenant->spec.server_name = "acme.example";
  world.tenant->spec.administrator = "admin";
  world.homeserver_is_ready = true;
  world.network_is_ready = true;
  read_document(world, source, "registry.example/alphorn:0.1.0");
  return world;
}

World a_world() { return world_of(a_resource()); }

std::vector<std::string> ids(const std::vector<json>& manifests) {
  std::vector<std::string> result;
  for (const json& manifest : manifests) {
    result.push_back(homeserver::child_id(manifest).display());
  }
  return result;
}

std::string run_of(const World& world) { return manifests::directory_job(*world.directory); }

void put(World& world, json object) {
  object["metadata"]["uid"] = "1";
  const homeserver::ChildId id = homeserver::child_id(object);
  world.children.insert_or_assign(
      id, homeserver::ObjectPtr{std::make_shared<const json>(std::move(object))});
}

/// The world after a pass: what was applied is there, what was told is remembered.
void pass(World& world) {
  const Plan plan = make_plan(world);
  world.resource.status = summarize(world, plan, "");
  for (const json& manifest : plan.apply) put(world, manifest);
  for (const homeserver::Delete& step : plan.remove) {
    world.children.erase({.kind = step.kind, .name = step.name});
  }
}

/// The run of the present document ends, and its pod says how.
void end_run(World& world, const std::string& words, int code = 0) {
  const std::string name = run_of(world);
  json job = *world.child("Job", name);
  job["status"]["conditions"] = json::array(
      {{{"type", code == 0 ? "Complete" : "Failed"}, {"status", "True"}, {"reason", "x"}}});
  put(world, job);
  const json pod = {
      {"kind", "Pod"},
      {"metadata",
       {{"name", name + "-abcde"},
        {"labels", {{"batch.kubernetes.io/job-name", name}}},
        {"annotations", {{manifests::kDocument, world.directory->fingerprint}}}}},
      {"status",
       {{"containerStatuses", json::array({{{"state",
                                             {{"terminated",
                                               {{"finishedAt", "2026-11-27T11:59:00Z"},
                                                {"reason", code == 0 ? "Completed" : "Error"},
                                                {"exitCode", code},
                                                {"message", words}}}}}}})}}}};
  world.pods.emplace_back(std::make_shared<const json>(pod));
}

json done() {
  return {{"result", "done"}, {"people", 5}, {"rooms", 2},     {"planned", 7},
          {"done", 7},        {"failed", 0}, {"requests", 29}, {"seconds", 3.71}};
}

/// The same resource with another document, seen beside what is there.
void change(World& world, const json& resource) {
  World next = world_of(resource);
  next.resource.status = world.resource.status;
  next.children = world.children;
  next.pods = world.pods;
  world = std::move(next);
}

homeserver::Reported said(const World& world, const std::string& condition) {
  return homeserver::reported(summarize(world, make_plan(world), ""), condition);
}

bool schedule_waits(const World& world) {
  return at_path(*world.child("CronJob", "acme-directory"), "spec/suspend") == true;
}

TEST(Directory, BeginsWithTheRunOfItsDocumentWhileTheScheduleWaits) {
  World world = a_world();
  const Plan plan = make_plan(world);
  EXPECT_THAT(ids(plan.apply),
              ElementsAre("PersistentVolumeClaim acme-directory", "Secret " + run_of(world),
                          "CronJob acme-directory", "Job " + run_of(world)));
  pass(world);
  EXPECT_TRUE(schedule_waits(world));
  EXPECT_EQ(said(world, "Ready").reason, "Running");
  EXPECT_THAT(make_plan(world).apply, IsEmpty()) << "a pass with nothing to do writes nothing";
}

TEST(Directory, IsReadyWhenItsRunIsDoneAndLeavesTheRestToTheSchedule) {
  World world = a_world();
  pass(world);
  end_run(world, done().dump());
  pass(world);
  EXPECT_FALSE(schedule_waits(world));
  EXPECT_EQ(said(world, "Ready").status, "True");
  EXPECT_EQ(said(world, "Ready").message, "5 people and 2 rooms are as the document says");
  EXPECT_EQ(at_path(world.resource.status, "lastRun/duration"), "3.7s");
  EXPECT_EQ(at_path(world.resource.status, "sealedBundle/path"), "acme.example.alphorn");
  // A day later Job and pod are gone.
  world.children.erase({.kind = "Job", .name = run_of(world)});
  world.pods.clear();
  EXPECT_THAT(make_plan(world).apply, IsEmpty());
  EXPECT_FALSE(
      homeserver::status_differs(summarize(world, make_plan(world), ""), world.resource.status));
}

TEST(Directory, WaitsForItsHomeserverAndSaysSo) {
  World world = a_world();
  world.homeserver_is_ready = false;
  world.homeserver_says = "database: starts";
  EXPECT_THAT(ids(make_plan(world).apply),
              ElementsAre("PersistentVolumeClaim acme-directory", "Secret " + run_of(world),
                          "CronJob acme-directory"));
  EXPECT_EQ(said(world, "Ready").reason, "HomeserverNotReady");
  EXPECT_THAT(said(world, "Ready").message, HasSubstr("database: starts"));
  EXPECT_EQ(said(world, "Reconciling").status, "True");
}

TEST(Directory, BeginsNoRunBeforeTheNetworkIsClosedAroundIt) {
  World world = a_world();
  world.network_is_ready = false;
  pass(world);
  EXPECT_EQ(world.child("Job", run_of(world)), nullptr);
  EXPECT_EQ(said(world, "Ready").reason, "NetworkNotReady");
}

TEST(Directory, ThatIsChangedRunsAgainAndForgetsTheFormerDocument) {
  World world = a_world();
  pass(world);
  end_run(world, done().dump());
  pass(world);
  const std::string former = run_of(world);
  json changed = a_resource();
  changed["spec"]["employees"]["people"].push_back({{"localpart", "beat"}});
  change(world, changed);
  pass(world);
  EXPECT_NE(world.child("Job", run_of(world)), nullptr);
  EXPECT_EQ(world.child("Job", former), nullptr);
  EXPECT_EQ(world.child("Secret", former), nullptr);
  EXPECT_EQ(string_at(world.resource.status, "document"), "");
  // Back again, before that run has ended: it may have done half of it.
  change(world, a_resource());
  EXPECT_TRUE(wants_run(world));
  EXPECT_THAT(ids(make_plan(world).apply), testing::Not(testing::Contains("Job " + former)))
      << "one run at a time";
}

TEST(Directory, RunsByItsScheduleAloneWhenOnlyThatChanges) {
  World world = a_world();
  pass(world);
  end_run(world, done().dump());
  pass(world);
  json changed = a_resource();
  changed["spec"]["schedule"] = "@hourly";
  change(world, changed);
  EXPECT_THAT(ids(make_plan(world).apply), ElementsAre("CronJob acme-directory"));
}

TEST(Directory, ThatIsRejectedSaysWhereAndIsLeftToPeople) {
  World world = a_world();
  pass(world);
  end_run(world,
          R"({"result":"rejected","error":"company.yaml:12:3: spec.rooms: what","problems":1})", 1);
  pass(world);
  EXPECT_EQ(said(world, "DocumentValid").status, "False");
  EXPECT_EQ(said(world, "DocumentValid").reason, "DocumentRejected");
  EXPECT_EQ(said(world, "DocumentValid").message, "company.yaml:12:3: spec.rooms: what");
  EXPECT_EQ(said(world, "Stalled").status, "True");
  EXPECT_EQ(said(world, "Ready").status, "False");
}

TEST(Directory, TellsOfStepsThatFailed) {
  World world = a_world();
  pass(world);
  json words = done();
  words["result"] = "failures";
  words["failed"] = 2;
  words["failures"] = json::array({"add @anna:acme.example to news: M_FORBIDDEN", "another"});
  end_run(world, words.dump(), 1);
  EXPECT_EQ(said(world, "Ready").reason, "StepsFailed");
  EXPECT_EQ(said(world, "Ready").message,
            "2 steps failed: add @anna:acme.example to news: M_FORBIDDEN");
  EXPECT_EQ(said(world, "DocumentValid").status, "True");
}

TEST(Directory, TakesWordsThatAreNoSummaryForAnError) {
  World world = a_world();
  pass(world);
  end_run(world, "terminate called", 134);
  EXPECT_EQ(said(world, "Ready").reason, "RunFailed");
  EXPECT_EQ(said(world, "Ready").message, "Error: terminate called");
}

TEST(Directory, SaysWhatKeepsItsPodFromStarting) {
  World world = a_world();
  pass(world);
  world.pods.emplace_back(std::make_shared<const json>(
      json{{"kind", "Pod"},
           {"metadata", {{"labels", {{"batch.kubernetes.io/job-name", run_of(world)}}}}},
           {"status",
            {{"containerStatuses",
              json::array({{{"image", "registry.example/alphorn:0.1.0"},
                            {"state", {{"waiting", {{"reason", "ImagePullBackOff"}}}}}}})}}}}));
  EXPECT_EQ(said(world, "Ready").reason, "PodNotStarted");
  EXPECT_THAT(said(world, "Ready").message,
              HasSubstr("image registry.example/alphorn:0.1.0 cannot be pulled"));
}

TEST(Directory, OfAHomeserverThatHasOneStaysAway) {
  World world = a_world();
  pass(world);
  world.elder = "staff";
  const Plan plan = make_plan(world);
  EXPECT_THAT(plan.apply, IsEmpty());
  ASSERT_EQ(plan.remove.size(), 1U);
  EXPECT_EQ(plan.remove[0].kind, "CronJob");
  EXPECT_EQ(said(world, "Stalled").reason, "HomeserverTaken");
}

TEST(Directory, OfAHomeserverThatGoesLetsGoOfTheClaim) {
  World world = a_world();
  pass(world);
  end_run(world, done().dump());
  world.tenant.reset();
  pass(world);
  EXPECT_EQ(world.child("CronJob", "acme-directory"), nullptr);
  EXPECT_EQ(world.child("Job", run_of(world)), nullptr);
  EXPECT_NE(world.child("PersistentVolumeClaim", "acme-directory"), nullptr);
  EXPECT_EQ(said(world, "Ready").reason, "HomeserverMissing");
  EXPECT_EQ(string_at(world.resource.status, "document"), "") << "it runs when there is one again";
}

TEST(Directory, OfAnotherServerIsNotRun) {
  json resource = a_resource();
  resource["spec"]["serverName"] = "bravo.example";
  World world = world_of(resource);
  EXPECT_THAT(make_plan(world).apply, IsEmpty());
  EXPECT_EQ(said(world, "Ready").reason, "OtherServer");
  EXPECT_EQ(said(world, "DocumentValid").status, "False");
}

TEST(Directory, ThatIsSuspendedOnceAllIsDoneStaysReady) {
  World world = a_world();
  pass(world);
  end_run(world, done().dump());
  json resource = a_resource();
  resource["spec"]["suspend"] = true;
  change(world, resource);
  pass(world);
  EXPECT_TRUE(schedule_waits(world));
  EXPECT_EQ(said(world, "Ready").status, "True");
}

TEST(Directory, ThatIsSuspendedBeginsNothing) {
  json resource = a_resource();
  resource["spec"]["suspend"] = true;
  World world = world_of(resource);
  pass(world);
  EXPECT_TRUE(schedule_waits(world));
  EXPECT_EQ(world.child("Job", run_of(world)), nullptr);
  EXPECT_EQ(said(world, "Ready").reason, "Suspended");
  EXPECT_EQ(said(world, "Reconciling").status, "False");
  EXPECT_EQ(said(world, "Stalled").status, "False") << "it was asked for";
}

json from_secret() {
  json resource = a_resource();
  resource["spec"] = {{"documentFrom", {{"secretRef", {{"name", "staff"}}}}}};
  return resource;
}

TEST(Document, InASecretComesWithTheFilesBesideIt) {
  const json secret = {{"kind", "Secret"},
                       {"data",
                        {{"company.yaml", base64_encode("spec: {serverName: acme.example}")},
                         {"staff.csv", base64_encode("name\nAnna\n")}}}};
  const World world = world_of(from_secret(), secret);
  ASSERT_TRUE(world.directory);
  EXPECT_EQ(world.directory->files, secret.at("data"));
  EXPECT_FALSE(world.document_problem);
}

TEST(Document, ThatIsNotThereIsSaidToBeMissing) {
  const World world = world_of(from_secret());
  EXPECT_EQ(said(world, "Ready").reason, "DocumentMissing");
  EXPECT_THAT(said(world, "Ready").message, HasSubstr("alphorn.dev/tenant=acme"));
  const World without_key = world_of(from_secret(), json{{"kind", "Secret"}});
  EXPECT_THAT(said(without_key, "Ready").message, HasSubstr("has no key company.yaml"));
}

TEST(Document, TakesTheWebClientsAddressFromTheHomeserverUnlessItHasOne) {
  World world = a_world();
  world.web_address = "https://chat.acme.example";
  read_document(world, std::nullopt, "image");
  EXPECT_EQ(world.directory->web_url, "https://chat.acme.example");
  json resource = a_resource();
  resource["spec"]["homeserver"] = {{"webUrl", "https://elsewhere.example"}};
  world.resource = api::company_directory_from(resource);
  read_document(world, std::nullopt, "image");
  EXPECT_EQ(world.directory->web_url, "");
}

TEST(Document, IsAnotherOneForAnotherHomeserverOfTheName) {
  World world = a_world();
  const std::string before = world.directory->fingerprint;
  world.tenant->uid = "another";
  read_document(world, std::nullopt, "image");
  EXPECT_NE(world.directory->fingerprint, before);
}

TEST(Document, InTheResourceIsRenderedWithoutTheOperatorsFields) {
  const World world = a_world();
  const json document =
      from_yaml(base64_decode(world.directory->files.at("company.yaml").get<std::string>()));
  EXPECT_EQ(string_at(document, "kind"), "CompanyDirectory");
  EXPECT_EQ(string_at(document, "spec/serverName"), "acme.example");
  EXPECT_FALSE(document.at("spec").contains("schedule"));
}

}  // namespace
}  // namespace alphorn::directories
