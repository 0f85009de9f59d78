#include "plan/plan.hpp"

#include <gmock/gmock.h>

#include "unit/plan/company.hpp"

namespace alphorn::plan {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Plan, OnAnEmptyServerEverythingIsMadeInOrder) {
  const Plan plan = make_plan(a_company(), an_empty_server(), kNow);
  EXPECT_THAT(
      sentences(plan),
      ElementsAre("create account @anna:acme.example", "create account @beat:acme.example",
                  "create space acme", "create room lounge", "link lounge to acme",
                  "join @anna:acme.example to acme", "join @beat:acme.example to acme",
                  "join @anna:acme.example to lounge", "join @beat:acme.example to lounge"));
  EXPECT_TRUE(plan.ledger_changes);
}

TEST(Plan, WhatIsThereAlreadyNeedsNothing) {
  const Plan plan = make_plan(a_company(), a_server_with(a_company()), kNow);
  EXPECT_THAT(sentences(plan), IsEmpty());
  EXPECT_TRUE(plan.empty());
}

TEST(Plan, AnAccountThatExistsIsNeverGivenAPassword) {
  Live live = an_empty_server();
  live.accounts[id("anna")] = {.display_name = "Anna"};
  const Plan plan = make_plan(a_company(), live, kNow);
  EXPECT_THAT(sentences(plan), Contains("change account @anna:acme.example"));
  EXPECT_THAT(sentences(plan), testing::Not(Contains("create account @anna:acme.example")));
}

TEST(Plan, ALeaverIsLockedAndTakenOutOfItsRooms) {
  const Live live = a_server_with(a_company());
  directory::Directory company = a_company();
  company.people.pop_back();
  for (Room& room : company.rooms) room.members.erase(id("beat"));
  const Plan plan = make_plan(company, live, kNow);
  EXPECT_THAT(
      sentences(plan),
      ElementsAre("lock account and end its sessions of @beat:acme.example",
                  "remove @beat:acme.example from acme", "remove @beat:acme.example from lounge"));
  EXPECT_EQ(plan.ledger.at(id("beat")).left_s, kNow);
}

TEST(Plan, AfterTheCoolDownALeaverIsDeactivated) {
  directory::Directory company = a_company();
  company.people.pop_back();
  for (Room& room : company.rooms) room.members.erase(id("beat"));
  Live live = a_server_with(company);
  live.accounts[id("beat")] = {.locked = true};
  live.ledger[id("beat")] = {.left_s = kNow - company.leavers.cool_down_s};
  EXPECT_THAT(sentences(make_plan(company, live, kNow)),
              ElementsAre("deactivate account @beat:acme.example"));
  EXPECT_THAT(sentences(make_plan(company, live, kNow - 1)), IsEmpty());
}

TEST(Plan, WhoComesBackIsUnlocked) {
  Live live = a_server_with(a_company());
  live.accounts[id("beat")].locked = true;
  live.ledger[id("beat")].left_s = kNow - 1;
  const Plan plan = make_plan(a_company(), live, kNow);
  EXPECT_THAT(sentences(plan), ElementsAre("change account @beat:acme.example"));
  EXPECT_EQ(plan.ledger.at(id("beat")).left_s, 0);
}

TEST(Plan, WhoWasLockedByHandStaysLockedAndIsNamed) {
  Live live = a_server_with(a_company());
  live.accounts[id("beat")].locked = true;
  const Plan plan = make_plan(a_company(), live, kNow);
  EXPECT_THAT(plan.steps, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("locked by hand")));
}

TEST(Plan, TooManyLeaversAreRefused) {
  const Live live = a_server_with(a_company());
  directory::Directory company = a_company();
  company.people.clear();
  for (Room& room : company.rooms) room.members.clear();
  EXPECT_THAT(make_plan(company, live, kNow).refusal, HasSubstr("--allow-leavers 2"));
}

TEST(Plan, TheAccountThatDoesTheWorkIsNobodyOfTheDocument) {
  directory::Directory company = a_company();
  company.people[0].user_id = kBot;
  const Plan plan = make_plan(company, an_empty_server(), kNow);
  EXPECT_THAT(plan.refusal, HasSubstr("another localpart"));
  EXPECT_FALSE(plan.too_many_leavers);
}

TEST(Plan, AccountsOutsideTheDirectoryAreNobodysBusiness) {
  Live live = a_server_with(a_company());
  live.accounts[id("by-hand")] = {};
  live.rooms["acme"].joined.insert(id("by-hand"));
  EXPECT_THAT(make_plan(a_company(), live, kNow).steps, IsEmpty());
}

TEST(Plan, AGuestOfAnotherServerIsInvitedOnce) {
  directory::Directory company = a_company();
  company.federated_guests = {"@carla:supplier.example"};
  company.rooms[0].members.insert("@carla:supplier.example");
  Live live = a_server_with(a_company());
  EXPECT_THAT(sentences(make_plan(company, live, kNow)),
              ElementsAre("invite @carla:supplier.example to acme"));
  live.rooms["acme"].invited.insert("@carla:supplier.example");
  EXPECT_THAT(make_plan(company, live, kNow).steps, IsEmpty());
}

TEST(Plan, ARoomThatMovesIsUnlinkedWhereItWas) {
  const Live live = a_server_with(a_company());
  directory::Directory company = a_company();
  company.rooms.insert(company.rooms.begin() + 1,
                       {.key = "other", .is_space = true, .name = "Other", .version = "12"});
  company.rooms[2].parent = "other";
  const Plan plan = make_plan(company, live, kNow);
  const auto unlinks = std::count_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
    const auto* set = std::get_if<SetState>(&step);
    return set != nullptr && set->room == "acme" && set->type == "m.space.child" &&
           set->state_key == "!lounge" && set->content.empty();
  });
  EXPECT_EQ(unlinks, 1);
}

}  // namespace
}  // namespace alphorn::plan
