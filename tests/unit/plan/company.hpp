#pragma once

#include <string>

#include "directory/directory.hpp"
#include "plan/live.hpp"
#include "plan/plan.hpp"
#include "plan/room_state.hpp"

namespace alphorn::plan {

inline constexpr const char* kBot = "@alphorn:acme.example";
inline constexpr std::int64_t kNow = 1'800'000'000;

inline std::string id(const std::string& localpart) { return "@" + localpart + ":acme.example"; }

/// One space with one room; Anna leads, Beat is a member of both.
inline directory::Directory a_company() {
  using directory::JoinRule;
  directory::Directory company{.server_name = "acme.example"};
  company.people = {
      {.user_id = id("anna"), .display_name = "Anna Muster", .email = "anna@acme.example"},
      {.user_id = id("beat"), .display_name = "Beat Beispiel"}};
  company.rooms = {{.key = "acme",
                    .is_space = true,
                    .name = "Acme",
                    .version = "12",
                    .power_users = {{id("anna"), 100}},
                    .members = {id("anna"), id("beat")}},
                   {.key = "lounge",
                    .parent = "acme",
                    .name = "Lounge",
                    .version = "12",
                    .join_rule = JoinRule::restricted,
                    .power_users = {{id("anna"), 100}},
                    .members = {id("anna"), id("beat")}}};
  return company;
}

/// Who leads a room of it.
inline std::map<std::string, int> leaders(const Room& room,
                                          const directory::Directory& company = a_company()) {
  std::set<std::string> here = company.federated_guests;
  for (const Person& person : company.people) here.insert(person.user_id);
  return leaders_of(room, here);
}

/// A server on which nothing of it exists.
inline Live an_empty_server() { return {.bot = kBot, .accounts = {{kBot, {.admin = true}}}}; }

/// A server that is as `company` says.
inline Live a_server_with(const directory::Directory& company) {
  Live live = an_empty_server();
  live.ledger_room = "!ledger";
  std::map<std::string, std::string> ids;
  for (const Room& room : company.rooms) ids[room.key] = "!" + room.key;
  for (const Person& person : company.people) {
    live.accounts[person.user_id] = {.display_name = person.display_name,
                                     .admin = person.is_server_admin};
    live.ledger[person.user_id] = {.fingerprint = fingerprint_of(person)};
  }
  for (const std::string& guest : company.federated_guests) live.ledger[guest];
  for (const Room& room : company.rooms) {
    LiveRoom there{.room_id = ids[room.key], .joined = room.members.all()};
    there.joined.insert(kBot);
    for (const auto& [of, content] : desired_state(room, company)) {
      there.state[{of.first, with_ids(of.second, ids)}] = with_ids(content, ids);
    }
    there.state[{"m.room.create", ""}] = {{"room_version", room.version}};
    there.state[{"m.room.power_levels", ""}] =
        desired_power(room, leaders(room, company), kBot, nullptr);
    live.rooms[room.key] = there;
  }
  return live;
}

inline std::vector<std::string> sentences(const Plan& plan) {
  std::vector<std::string> result;
  for (const Step& step : plan.steps) result.push_back(to_string(step));
  return result;
}

}  // namespace alphorn::plan
