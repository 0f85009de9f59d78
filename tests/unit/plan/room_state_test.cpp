#include "plan/room_state.hpp"

#include <gmock/gmock.h>

#include "unit/plan/company.hpp"

namespace alphorn::plan {
namespace {

TEST(RoomState, AnEncryptedRoomIsSoFromItsFirstEventsOn) {
  const directory::Directory company = a_company();
  const json body = creation(company.rooms[1], company, kBot, {{"acme", "!acme"}});
  bool encrypted = false;
  for (const json& event : body["initial_state"]) {
    encrypted = encrypted || event["type"] == "m.room.encryption";
  }
  EXPECT_TRUE(encrypted) << body.dump(2);
}

TEST(RoomState, ARestrictedRoomNamesItsSpace) {
  const directory::Directory company = a_company();
  const json rules = with_ids(
      desired_state(company.rooms[1], company).at({"m.room.join_rules", ""}), {{"acme", "!space"}});
  EXPECT_EQ(rules["allow"][0]["room_id"], "!space");
}

TEST(RoomState, FromVersion12OnTheCreatorIsNotNamed) {
  directory::Directory company = a_company();
  Room room = company.rooms[0];
  EXPECT_FALSE(desired_power(room, leaders(room), kBot, nullptr)["users"].contains(kBot));
  room.version = "11";
  const int creator = desired_power(room, leaders(room), kBot, nullptr)["users"][kBot];
  EXPECT_GT(creator, 100) << "who has as much as an administrator cannot remove one";
  LiveRoom live{.room_id = "!old"};
  live.state[{"m.room.create", ""}] = {{"room_version", "11"}};
  live.state[{"m.room.power_levels", ""}] = {{"users", {{kBot, 100}}}};
  room.version = "12";
  EXPECT_EQ(desired_power(room, leaders(room), kBot, &live)["users"][kBot], 100) << "as it is";
}

TEST(RoomState, ALevelGivenByHandIsKeptUnlessItIsTheHighest) {
  const directory::Directory company = a_company();
  LiveRoom live{.room_id = "!acme"};
  live.state[{"m.room.create", ""}] = {{"room_version", "12"}};
  live.state[{"m.room.power_levels", ""}] = {{"users", {{id("beat"), 50}, {id("carla"), 100}}},
                                             {"invite", 0},
                                             {"events", {{"m.room.name", 0}, {"call", 0}}}};
  const json levels = desired_power(company.rooms[0], leaders(company.rooms[0]), kBot, &live);
  const json& users = levels["users"];
  EXPECT_EQ(users, json({{id("anna"), 100}, {id("beat"), 50}}));
  EXPECT_EQ(levels["invite"], 50) << "an action's level is the document's";
  EXPECT_EQ(levels["events"]["m.room.name"], 50);
  EXPECT_EQ(levels["events"]["call"], 0) << "an event that the document does not know";
}

TEST(RoomState, WhereTheAdministratorHasLeftTheDeputyTakesOver) {
  directory::Directory company = a_company();
  company.people.erase(company.people.begin());
  company.rooms[0].deputies = {id("nobody"), id("beat")};
  const json users =
      desired_power(company.rooms[0], leaders(company.rooms[0], company), kBot, nullptr)["users"];
  EXPECT_EQ(users, json({{id("beat"), 100}}));
}

}  // namespace
}  // namespace alphorn::plan
