// Which runs of backups and drills are made, what is told of them, and which are forgotten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backups/plan.hpp"
#include "manifests/backup.hpp"

namespace alphorn::backups {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kJobName = "batch.kubernetes.io/job-name";

homeserver::ObjectPtr object(json content) {
  return {std::make_shared<const json>(std::move(content))};
}

json job(const std::string& name, const std::string& end = "", const char* outcome = "Complete") {
  json result = {{"metadata", {{"name", name}, {"labels", json::object()}}},
                 {"status", {{"startTime", "2026-11-27T02:15:00Z"}}}};
  if (!end.empty()) {
    result["status"]["conditions"] =
        json::array({{{"type", outcome}, {"status", "True"}, {"lastTransitionTime", end}}});
  }
  return result;
}

json asked_for(json job, const std::string& by) {
  job["metadata"]["labels"][manifests::kBackupLabel] = by;
  return job;
}

json pod_of(const std::string& job, const json& words, int code = 0,
            const std::string& end = "2026-11-27T02:20:00Z") {
  return {
      {"metadata", {{"name", job + "-x1"}, {"labels", {{kJobName, job}}}}},
      {"status",
       {{"containerStatuses",
         json::array(
             {{{"name", "backup"},
               {"state",
                {{"terminated",
                  {{"exitCode", code}, {"finishedAt", end}, {"message", words.dump()}}}}}}})}}}};
}

api::HomeserverRun backup(const std::string& name, const json& status = json::object(),
                          const std::string& job = "") {
  return {.kind = api::kHomeserverBackup,
          .name = name,
          .ns = "acme",
          .uid = "uid-" + name,
          .homeserver = "acme",
          .job = job,
          .set = {},
          .status = status};
}

api::HomeserverRun complete(const std::string& name, const std::string& set,
                            const std::string& end) {
  return backup(name, {{"phase", "Complete"}, {"set", set}, {"finishedAt", end}});
}

json done(const std::string& set, const json& sets) {
  return {{"result", "done"},
          {"set", set},
          {"snapshot", "0123abcd"},
          {"startedAt", "2026-11-27T02:15:10Z"},
          {"finishedAt", "2026-11-27T02:19:40Z"},
          {"seconds", 270.4},
          {"bytes", 3 * 1024 * 1024},
          {"addedBytes", 1024},
          {"counts", {{"users", 12}, {"events", 3400}}},
          {"media", {{"files", 7}, {"bytes", 100}}},
          {"parts", json::array({{{"name", "media"}, {"bytes", 100}, {"added", 10}}})},
          {"sets", sets}};
}

World a_world() {
  World world{.ns = "acme", .homeserver = "acme"};
  world.seen_at = *parse_time("2026-11-27T12:00:00Z");
  world.is_there = true;
  world.backups.kind = api::kHomeserverBackup;
  world.drills.kind = api::kHomeserverRestore;
  const json pod = {
      {"metadata", {{"annotations", {{manifests::kSetWanted, ""}}}}},
      {"spec", {{"containers", json::array({{{"name", "backup"}, {"env", json::array()}}})}}}};
  const json model = {{"spec",
                       {{"jobTemplate",
                         {{"metadata", {{"labels", {{"alphorn.dev/tenant", "acme"}}}}},
                          {"spec", {{"backoffLimit", 3}, {"template", pod}}}}}}}};
  world.backups.cron_job = object(model);
  world.drills.cron_job = object(model);
  return world;
}

const json& told(const Plan& plan) { return plan.tell.at(0).status; }

TEST(Backups, OneOfTheScheduleBecomesAResource) {
  World world = a_world();
  world.backups.jobs = {object(job("acme-backup-1"))};
  const Plan plan = make_plan(world);
  ASSERT_THAT(plan.create, SizeIs(1));
  EXPECT_EQ(plan.create[0]["kind"], "HomeserverBackup");
  EXPECT_EQ(plan.create[0]["spec"]["jobRef"]["name"], "acme-backup-1");
  EXPECT_EQ(plan.create[0]["spec"]["homeserverRef"]["name"], "acme");
}

TEST(Backups, OneThatWasForgottenWithItsSetIsNotTakenForNews) {
  World world = a_world();
  world.backups.jobs = {object(job("acme-backup-1", "2026-11-26T02:20:00Z"))};
  world.backups.runs = {complete("acme-backup-2", "two", "2026-11-27T02:20:00Z")};
  EXPECT_THAT(make_plan(world).create, IsEmpty());
}

TEST(Backups, OneThatIsAskedForGetsAJobAsTheScheduleWouldMakeIt) {
  World world = a_world();
  world.backups.runs = {backup("now")};
  const Plan plan = make_plan(world);
  ASSERT_THAT(plan.create, SizeIs(1));
  const json& made = plan.create[0];
  EXPECT_EQ(made["kind"], "Job");
  EXPECT_EQ(made["metadata"]["labels"][manifests::kBackupLabel], "now");
  EXPECT_EQ(made["metadata"]["ownerReferences"][0]["uid"], "uid-now");
  EXPECT_EQ(made["spec"]["backoffLimit"], 3);
  EXPECT_EQ(made["spec"]["template"]["spec"]["containers"][0]["env"][0]["name"], "NO_JITTER");
  EXPECT_EQ(told(plan)["phase"], "Pending");
}

TEST(Backups, OneAtATime) {
  World world = a_world();
  world.backups.jobs = {object(job("acme-backup-1"))};
  world.backups.runs = {backup("acme-backup-1", {{"phase", "Running"}}, "acme-backup-1"),
                        backup("now")};
  Plan plan = make_plan(world);
  EXPECT_THAT(plan.create, IsEmpty());
  EXPECT_EQ(plan.tell.back().status["reason"], "Waiting");

  world.backups.jobs.clear();
  world.backups.runs = {backup("one"), backup("two")};
  plan = make_plan(world);
  EXPECT_THAT(plan.create, SizeIs(1));
}

TEST(Backups, WhatStandsInTheWayIsSaid) {
  World world = a_world();
  world.backups.runs = {backup("now")};
  world.is_hibernated = true;
  EXPECT_EQ(told(make_plan(world))["reason"], "Hibernated");
  world.is_hibernated = false;
  world.backups.cron_job.reset();
  world.setup = "no backups: there is no Secret key";
  EXPECT_EQ(told(make_plan(world))["reason"], "BackupNotReady");
  EXPECT_THAT(told(make_plan(world))["message"].get<std::string>(), HasSubstr("no Secret key"));
  world.is_there = false;
  EXPECT_EQ(told(make_plan(world))["reason"], "HomeserverMissing");
}

TEST(Backups, AJobOfSomethingElseIsLeftAlone) {
  World world = a_world();
  world.backups.runs = {backup("now")};
  world.backups.jobs = {object(asked_for(job("now"), "another"))};
  const Plan plan = make_plan(world);
  EXPECT_THAT(plan.create, IsEmpty());
  EXPECT_EQ(told(plan)["reason"], "ObjectNotOurs");
}

TEST(Backups, TheLastWordsBecomeTheStatus) {
  World world = a_world();
  world.backups.runs = {backup("now", {{"phase", "Running"}})};
  world.backups.jobs = {object(asked_for(job("now", "2026-11-27T02:20:05Z"), "now"))};
  world.backups.pods = {object(pod_of("now", done("one", json::array({"one"}))))};
  const Plan plan = make_plan(world);
  ASSERT_THAT(plan.tell, SizeIs(1));
  EXPECT_EQ(told(plan)["phase"], "Complete");
  EXPECT_EQ(told(plan)["set"], "one");
  EXPECT_EQ(told(plan)["size"], "3.0 MiB");
  EXPECT_EQ(told(plan)["added"], "1.0 KiB");
  EXPECT_EQ(told(plan)["duration"], "4m30s");
  EXPECT_EQ(told(plan)["counts"]["events"], 3400);
  EXPECT_EQ(told(plan)["counts"]["mediaFiles"], 7);
  EXPECT_EQ(told(plan)["sets"], 1);
  EXPECT_EQ(told(plan)["finishedAt"], "2026-11-27T02:19:40Z");
}

TEST(Backups, AFailureSaysWhy) {
  World world = a_world();
  world.backups.runs = {backup("now", {{"phase", "Running"}})};
  world.backups.jobs = {object(asked_for(job("now", "2026-11-27T02:20:05Z", "Failed"), "now"))};
  world.backups.pods = {object(pod_of(
      "now", {{"result", "failed"}, {"reason", "RepositoryFull"}, {"error", "no room"}}, 1))};
  const Plan plan = make_plan(world);
  EXPECT_EQ(told(plan)["phase"], "Failed");
  EXPECT_EQ(told(plan)["reason"], "RepositoryFull");
  EXPECT_EQ(told(plan)["message"], "no room");
}

TEST(Backups, WhileItIsTriedAgainTheReasonIsTold) {
  World world = a_world();
  world.backups.runs = {backup("now", {{"phase", "Running"}})};
  world.backups.jobs = {object(asked_for(job("now"), "now"))};
  world.backups.pods = {object(pod_of(
      "now", {{"result", "failed"}, {"reason", "DatabaseUnreachable"}, {"error", "gone"}}, 1))};
  const Plan plan = make_plan(world);
  EXPECT_EQ(told(plan)["phase"], "Running");
  EXPECT_EQ(told(plan)["reason"], "DatabaseUnreachable");
}

TEST(Backups, AJobThatIsGoneBeforeItWasOverIsAFailure) {
  World world = a_world();
  world.backups.runs = {backup("acme-backup-1", {{"phase", "Running"}}, "acme-backup-1")};
  EXPECT_EQ(told(make_plan(world))["reason"], "JobGone");
}

TEST(Backups, ThoseWhoseSetsAreGoneAreForgotten) {
  World world = a_world();
  world.backups.runs = {complete("old", "one", "2026-11-25T02:20:00Z"),
                        complete("kept", "two", "2026-11-26T02:20:00Z"),
                        backup("now", {{"phase", "Running"}})};
  world.backups.jobs = {object(asked_for(job("now", "2026-11-27T02:20:05Z"), "now"))};
  world.backups.pods = {object(pod_of("now", done("three", json::array({"three", "two"}))))};
  const Plan plan = make_plan(world);
  ASSERT_THAT(plan.remove, SizeIs(1));
  EXPECT_EQ(plan.remove[0].name, "old");
}

TEST(Backups, NothingIsForgottenWhenTheRunDoesNotTell) {
  World world = a_world();
  world.backups.runs = {complete("old", "one", "2026-11-25T02:20:00Z"),
                        backup("now", {{"phase", "Running"}})};
  world.backups.jobs = {object(asked_for(job("now", "2026-11-27T02:20:05Z"), "now"))};
  EXPECT_THAT(make_plan(world).remove, IsEmpty());
}

TEST(Backups, OfFailuresTheNewestTenStay) {
  World world = a_world();
  for (int day = 10; day < 22; ++day) {
    const std::string date = "2026-11-" + std::to_string(day);
    world.backups.runs.push_back(backup(
        "f" + std::to_string(day), {{"phase", "Failed"}, {"finishedAt", date + "T02:20:00Z"}}));
  }
  const Plan plan = make_plan(world);
  ASSERT_THAT(plan.remove, SizeIs(2));
  EXPECT_EQ(plan.remove[0].name, "f11");
  EXPECT_EQ(plan.remove[1].name, "f10");
}

json drill_pod(const json& fill, int fill_code, const json& check) {
  const auto ended = [](const char* name, const json& words, int code) {
    return json{{"name", name},
                {"state",
                 {{"terminated",
                   {{"exitCode", code},
                    {"finishedAt", "2026-11-27T04:40:00Z"},
                    {"message", words.dump()}}}}}};
  };
  json pod = {{"metadata", {{"name", "d-x1"}, {"labels", {{kJobName, "d"}}}}},
              {"status",
               {{"initContainerStatuses", json::array({ended("fill", fill, fill_code)})},
                {"containerStatuses", json::array()}}}};
  if (!check.empty()) {
    pod["status"]["containerStatuses"].push_back(ended("check", check, 0));
  }
  return pod;
}

World drilled(const json& pod, const char* outcome) {
  World world = a_world();
  api::HomeserverRun drill = backup("d", {{"phase", "Running"}});
  drill.kind = api::kHomeserverRestore;
  world.drills.runs = {drill};
  world.drills.jobs = {object(asked_for(job("d", "2026-11-27T04:41:00Z", outcome), "d"))};
  world.drills.pods = {object(pod)};
  world.backups.runs = {complete("night", "one", "2026-11-27T02:20:00Z")};
  return world;
}

TEST(Drills, ASuccessProvesTheBackup) {
  const json check = {{"result", "done"},
                      {"set", "one"},
                      {"checks", {{"login", "ok"}}},
                      {"rtoSeconds", 95},
                      {"bytes", 1024}};
  const Plan plan = make_plan(drilled(drill_pod({{"result", "done"}}, 0, check), "Complete"));
  ASSERT_THAT(plan.tell, SizeIs(2));
  EXPECT_EQ(plan.tell[0].run.name, "night");
  EXPECT_EQ(plan.tell[0].status["verifiedAt"], "2026-11-27T04:41:00Z");
  EXPECT_EQ(plan.tell[1].status["phase"], "Complete");
  EXPECT_EQ(plan.tell[1].status["recoveryTime"], "1m35s");
  EXPECT_EQ(plan.tell[1].status["checks"]["login"], "ok");
}

TEST(Drills, TheFirstContainerThatFailedSaysWhy) {
  const json fill = {{"result", "failed"}, {"reason", "MediaDiffers"}, {"error", "three files"}};
  const Plan plan = make_plan(drilled(drill_pod(fill, 3, json::object()), "Failed"));
  ASSERT_THAT(plan.tell, SizeIs(1));
  EXPECT_EQ(told(plan)["phase"], "Failed");
  EXPECT_EQ(told(plan)["reason"], "MediaDiffers");
}

TEST(Drills, OneOfACertainSetSaysSoToItsPod) {
  World world = a_world();
  api::HomeserverRun drill = backup("d");
  drill.kind = api::kHomeserverRestore;
  drill.set = "one";
  world.drills.runs = {drill};
  const Plan plan = make_plan(world);
  ASSERT_THAT(plan.create, SizeIs(1));
  EXPECT_EQ(plan.create[0]["spec"]["template"]["metadata"]["annotations"][manifests::kSetWanted],
            "one");
}

}  // namespace
}  // namespace alphorn::backups
