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
  EXPECT_FALSE(desired_power(room, company, kBot, nullptr)["users"].contains(kBot));
  room.version = "11";
  EXPECT_EQ(desired_power(room, company, kBot, nullptr)["users"][kBot], 100);
}

TEST(RoomState, ALevelGivenByHandIsKeptUnlessItIsTheHighest) {
  const directory::Directory company = a_company();
  const json present = {{"users", {{id("beat"), 50}, {id("carla"), 100}}}};
  const json users = desired_power(company.rooms[0], company, kBot, present)["users"];
  EXPECT_EQ(users, json({{id("anna"), 100}, {id("beat"), 50}}));
}

TEST(RoomState, WhereTheAdministratorHasLeftTheDeputyTakesOver) {
  directory::Directory company = a_company();
  company.people.erase(company.people.begin());
  company.rooms[0].deputies = {id("nobody"), id("beat")};
  const json users = desired_power(company.rooms[0], company, kBot, nullptr)["users"];
  EXPECT_EQ(users, json({{id("beat"), 100}}));
}

}  // namespace
}  // namespace alphorn::plan
