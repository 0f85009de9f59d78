#include "plan/plan.hpp"

#include <gmock/gmock.h>

#include "plan/ledger.hpp"
#include "unit/plan/company.hpp"

namespace alphorn::plan {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// "ROOM TYPE KEY CONTENT" of each state that is to be sent.
std::vector<std::string> states(const Plan& plan) {
  std::vector<std::string> result;
  for (const Step& step : plan.steps) {
    if (const auto* set = std::get_if<SetState>(&step)) {
      result.push_back(set->room + " " + set->type + " " + set->state_key + " " +
                       set->content.dump());
    }
  }
  return result;
}

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

TEST(Plan, APuppetThatTheDocumentNamesBecomesAPersons) {
  Live live = an_empty_server();
  live.accounts[id("anna")] = {.display_name = "Anna", .is_puppet = true};
  const Plan plan = make_plan(a_company(), live, kNow);
  const auto& step = std::get<CreateAccount>(plan.steps.at(0));
  EXPECT_EQ(step.person.user_id, id("anna"));
  EXPECT_TRUE(step.adopt);
  EXPECT_FALSE(std::get<CreateAccount>(plan.steps.at(1)).adopt);
}

TEST(Plan, APuppetIsNobodyWhoCouldLeave) {
  Live live = a_server_with(a_company());
  live.accounts[id("beat")].is_puppet = true;
  directory::Directory company = a_company();
  company.people.pop_back();
  for (Room& room : company.rooms) room.members.erase(id("beat"));
  EXPECT_THAT(sentences(make_plan(company, live, kNow)),
              testing::Not(Contains(HasSubstr("lock account"))));
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
  const Plan plan = make_plan(company, live, kNow);
  ASSERT_THAT(plan.refusals, testing::SizeIs(1));
  EXPECT_EQ(plan.refusals[0].why, Refusal::Why::too_many_leavers);
  EXPECT_THAT(plan.refusals[0].text, HasSubstr("--allow-leavers 2"));
}

TEST(Plan, TheAccountThatDoesTheWorkIsNobodyOfTheDocument) {
  directory::Directory company = a_company();
  company.people[0].user_id = kBot;
  const Plan plan = make_plan(company, an_empty_server(), kNow);
  ASSERT_THAT(plan.refusals, testing::SizeIs(1));
  EXPECT_EQ(plan.refusals[0].why, Refusal::Why::impossible);
  EXPECT_THAT(plan.refusals[0].text, HasSubstr("another localpart"));
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

TEST(Plan, ADirectoryOfAnotherDocumentIsNotTakenOverByTheWay) {
  Live live = a_server_with(a_company());
  live.document = "globex";
  directory::Directory company = a_company();
  company.people.clear();
  for (Room& room : company.rooms) room.members.clear();
  EXPECT_THAT(make_plan(company, live, kNow).refusals, testing::SizeIs(2)) << "it has no name";
  company.name = "acme";
  // Each reason is one of its own: who says that one is meant has not said so of the other.
  const Plan plan = make_plan(company, live, kNow);
  ASSERT_THAT(plan.refusals, testing::SizeIs(2));
  EXPECT_EQ(plan.refusals[0].why, Refusal::Why::of_another_document);
  EXPECT_THAT(plan.refusals[0].text, HasSubstr("--take-over"));
  EXPECT_EQ(plan.refusals[1].why, Refusal::Why::too_many_leavers);
  live.document = "acme";
  company = a_company();
  company.name = "acme";
  EXPECT_THAT(make_plan(company, live, kNow).refusals, IsEmpty());
}

TEST(Plan, ALeaverWhoWasUnlockedIsLockedAgainUntilTheEnd) {
  directory::Directory company = a_company();
  company.people.pop_back();
  for (Room& room : company.rooms) room.members.erase(id("beat"));
  Live live = a_server_with(company);
  live.accounts[id("beat")] = {.locked = false};
  live.ledger[id("beat")] = {.left_s = kNow - 5};
  const Plan plan = make_plan(company, live, kNow);
  EXPECT_THAT(sentences(plan),
              ElementsAre("lock account and end its sessions of @beat:acme.example"));
  EXPECT_EQ(plan.ledger.at(id("beat")).left_s, kNow - 5);
  company.leavers.then = directory::Leavers::Then::lock;
  live.ledger[id("beat")] = {.left_s = kNow - company.leavers.cool_down_s};
  EXPECT_THAT(sentences(make_plan(company, live, kNow)),
              ElementsAre("lock account and end its sessions of @beat:acme.example"));
}

TEST(Plan, TheAccountThatDoesTheWorkIsNoLeaver) {
  Live live = a_server_with(a_company());
  live.ledger[kBot] = {.fingerprint = "of former times"};
  EXPECT_THAT(make_plan(a_company(), live, kNow).steps, IsEmpty());
}

TEST(Plan, AGuestOfAnotherServerWhoIsDroppedIsRemovedAndForgotten) {
  Live live = a_server_with(a_company());
  live.ledger["@carla:supplier.example"];
  live.ledger["@dora:supplier.example"];
  live.rooms["acme"].invited.insert("@carla:supplier.example");
  live.rooms["lounge"].joined.insert("@dora:supplier.example");
  const Plan plan = make_plan(a_company(), live, kNow);
  EXPECT_THAT(sentences(plan),
              ElementsAre("withdraw the invitation of @carla:supplier.example from acme",
                          "remove @dora:supplier.example from lounge"));
  EXPECT_FALSE(plan.ledger.contains("@carla:supplier.example"));
  // Where that fails the next run must know of it.
  const auto ledger = ledger_after(plan, live, {plan.steps[1]});
  EXPECT_FALSE(ledger.contains("@carla:supplier.example"));
  EXPECT_TRUE(ledger.contains("@dora:supplier.example"));
}

TEST(Plan, ARoomThatMovesNamesItsFormerSpaceNoMore) {
  const Live live = a_server_with(a_company());
  directory::Directory company = a_company();
  company.rooms.insert(company.rooms.begin() + 1,
                       {.key = "other", .is_space = true, .name = "Other", .version = "12"});
  company.rooms[2].parent = "other";
  EXPECT_THAT(states(make_plan(company, live, kNow)), Contains("lounge m.space.parent !acme {}"));
}

TEST(Plan, WhatTheDocumentSaysNoMoreIsTakenBack) {
  directory::Directory company = a_company();
  company.rooms[1].topic = "Coffee";
  company.rooms[1].avatar = "mxc://acme.example/cup";
  company.rooms[1].retention_ms = 86400000;
  company.rooms[1].power_actions = {{"invite", 0}, {"org.matrix.call", 0}};
  const Live live = a_server_with(company);
  const std::vector<std::string> done = states(make_plan(a_company(), live, kNow));
  EXPECT_THAT(done, Contains("lounge m.room.topic  {\"topic\":\"\"}"));
  EXPECT_THAT(done, Contains("lounge m.room.avatar  {}"));
  EXPECT_THAT(done, Contains("lounge m.room.retention  {}"));
  EXPECT_THAT(done.back(), HasSubstr(kLocator)) << "a run that is killed before goes on with it";
  const json levels = desired_power(a_company().rooms[1], leaders(a_company().rooms[1]), kBot,
                                    &live.rooms.at("lounge"));
  EXPECT_EQ(levels["invite"], 50);
  EXPECT_FALSE(levels["events"].contains("org.matrix.call"));
}

TEST(Plan, WhatTheDocumentNeverSaidIsThePeoples) {
  Live live = a_server_with(a_company());
  live.rooms["lounge"].state[{"m.room.topic", ""}] = {{"topic", "Of the people in it"}};
  EXPECT_THAT(make_plan(a_company(), live, kNow).steps, IsEmpty());
}

TEST(Plan, TheVersionOfARoomThatIsThereCounts) {
  directory::Directory company = a_company();
  for (Room& room : company.rooms) room.version = "11";
  const Live live = a_server_with(company);
  const Plan plan = make_plan(a_company(), live, kNow);
  EXPECT_THAT(plan.steps, IsEmpty()) << "the creator must not lose its power";
  EXPECT_THAT(plan.notes, Contains("room lounge has version 11, which cannot change to 12"));
}

TEST(Plan, WhomARestoredBackupBringsBackIsErasedAgain) {
  directory::Directory company = a_company();
  company.people.pop_back();
  for (Room& room : company.rooms) room.members.erase(id("beat"));
  Live live = a_server_with(a_company());
  live.erased.insert(id("beat"));
  const Plan plan = make_plan(company, live, kNow);
  EXPECT_THAT(sentences(plan), ElementsAre("deactivate and erase account @beat:acme.example",
                                           "remove @beat:acme.example from acme",
                                           "remove @beat:acme.example from lounge"));
  EXPECT_THAT(plan.refusals, IsEmpty()) << "it was decided once";
  // An account that somebody has made since is another one.
  live.ledger.erase(id("beat"));
  EXPECT_THAT(sentences(make_plan(company, live, kNow)), IsEmpty());
}

TEST(Plan, WhoWasErasedIsNotMadeAnewUnseen) {
  Live live = a_server_with(a_company());
  live.erased.insert(id("beat"));
  for (const bool is_there : {true, false}) {
    if (!is_there) live.accounts.erase(id("beat"));
    const Plan plan = make_plan(a_company(), live, kNow);
    ASSERT_THAT(plan.refusals, testing::SizeIs(1));
    EXPECT_EQ(plan.refusals[0].why, Refusal::Why::impossible);
    EXPECT_THAT(plan.refusals[0].text, HasSubstr("erasures.jsonl"));
  }
  live.accounts[id("beat")].deactivated = true;
  const Plan plan = make_plan(a_company(), live, kNow);
  EXPECT_THAT(plan.refusals, IsEmpty());
  EXPECT_THAT(plan.notes,
              Contains("@beat:acme.example was erased; give the person another localpart"));
}

TEST(Plan, AGuestWhoGoesWithTheSpaceIsRemovedFromIt) {
  Live live = a_server_with(a_company());
  live.ledger["@carla:supplier.example"];
  live.rooms["orders"] = {.room_id = "!orders", .joined = {kBot, "@carla:supplier.example"}};
  const Plan plan = make_plan(a_company(), live, kNow);
  EXPECT_THAT(sentences(plan), ElementsAre("remove @carla:supplier.example from orders"));
  EXPECT_FALSE(plan.ledger.contains("@carla:supplier.example"));
}

TEST(LedgerBefore, WhoIsLockedIsWrittenDownFirst) {
  directory::Directory company = a_company();
  company.people.pop_back();
  for (Room& room : company.rooms) room.members.erase(id("beat"));
  Live live = a_server_with(a_company());
  live.ledger = ledger_before(make_plan(company, live, kNow), live);
  EXPECT_EQ(live.ledger.at(id("beat")).left_s, kNow);
  // The run ended there, with the account locked; the document was wrong.
  live.accounts[id("beat")].locked = true;
  EXPECT_THAT(sentences(make_plan(a_company(), live, kNow)),
              ElementsAre("change account @beat:acme.example"));
  // Or without, and the document was right.
  live.accounts[id("beat")].locked = false;
  EXPECT_THAT(sentences(make_plan(company, live, kNow)),
              Contains("lock account and end its sessions of @beat:acme.example"));
}

TEST(LedgerAfter, WhatFailedIsTriedAgain) {
  directory::Directory company = a_company();
  company.people[0].email = "new@acme.example";
  company.people[1] = {.user_id = id("carla"), .display_name = "Carla"};
  for (Room& room : company.rooms) {
    room.members.erase(id("beat"));
    room.members.insert(id("carla"));
  }
  Live live = a_server_with(a_company());
  const Plan plan = make_plan(company, live, kNow);
  const auto all = ledger_after(plan, live, plan.steps);
  EXPECT_EQ(all.at(id("anna")).fingerprint, live.ledger.at(id("anna")).fingerprint);
  EXPECT_EQ(all.at(id("beat")).left_s, 0) << "a lock that was refused";
  EXPECT_EQ(all.at(id("carla")).fingerprint, "") << "in charge, whatever became of the account";
  live.ledger = all;
  EXPECT_EQ(sentences(make_plan(company, live, kNow)), sentences(plan));
  EXPECT_EQ(ledger_after(plan, live, {}).at(id("beat")).left_s, kNow);
  EXPECT_TRUE(newcomers(plan, a_server_with(a_company())).at("all").contains(id("carla")));
}

}  // namespace
}  // namespace alphorn::plan
