#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "directory/directory.hpp"

namespace alphorn::plan {

using directory::Person;
using directory::Room;

/// A field that differs: what the server has and what it is to have, as people would read them.
struct Change {
  std::string field;
  std::string before;
  std::string after;
  bool operator==(const Change&) const = default;
};
/// Fields of an account that a change can be of.
inline constexpr const char* kDisplayName = "display name";
inline constexpr const char* kServerAdministrator = "server administrator";

struct CreateAccount {
  Person person;
  bool with_password = true;
  bool adopt = false;  ///< the homeserver has it already: a puppet
};
/// The account exists. Never a password: setting one logs its owner out.
struct ChangeAccount {
  Person person;
  std::vector<Change> changes;
  bool unlock = false;
  bool look = false;  ///< e-mail and external id must be read first: the list does not show them
};
struct LockAccount {
  std::string user_id;
};
struct DeactivateAccount {
  std::string user_id;
  bool erase = false;
};
struct CreateRoom {
  Room room;
};
/// Rooms are named by key: some do not exist yet when the plan is made. Where content names a room
/// it holds {"$room": key} or, as a state key, "$room:KEY".
struct SetState {
  std::string room;
  std::string type;
  std::string state_key;
  json content;
  Change change;
};
/// By the administrator's right: an invitation and its acceptance.
struct Join {
  std::string room;
  std::string user_id;
};
struct Invite {
  std::string room;
  std::string user_id;
};
struct Kick {
  std::string room;
  std::string user_id;
  bool was_invited = false;
};

using Step = std::variant<CreateAccount, ChangeAccount, LockAccount, DeactivateAccount, CreateRoom,
                          SetState, Join, Invite, Kick>;

/// Steps in an order in which they may be done one after the other. apply does as many at a time as
/// the server likes, with the same result.
using Steps = std::vector<Step>;

/// What one step is about, on one line: "create account @anna:acme.example (Anna Muster)".
std::string to_string(const Step& step);

}  // namespace alphorn::plan
