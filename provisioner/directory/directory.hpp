#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "directory/members.hpp"

namespace alphorn::directory {

/// Where in a document something was said, for errors: "staff.csv", line 12, column 3. Lines and
/// columns count from 1; 0: unknown.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
  bool operator==(const Place&) const = default;
};

/// An account of this server: an employee, or a guest who was given one.
struct Person {
  std::string user_id;       ///< "@anna:acme.example"
  std::string display_name;  ///< never empty
  std::string email;         ///< "" for none
  std::string external_id;   ///< the subject at the identity provider; "" for none
  std::string language;      ///< of the welcome sheet: en, fr, de or it
  bool is_guest = false;
  bool is_server_admin = false;
  Place place;
  bool operator==(const Person&) const = default;
};

enum class JoinRule { invite, knock, restricted, knock_restricted, open };
enum class History { joined, invited, shared, world_readable };

/// What a document, and Matrix, calls each value of a closed set, in the order in which people are
/// told.
template <typename Value>
using Words = std::vector<std::pair<std::string, Value>>;
const Words<JoinRule>& join_rule_words();
const Words<History>& history_words();

/// The word for a value that is among them.
template <typename Value>
const std::string& word_for(Value value, const Words<Value>& words) {
  return std::find_if(words.begin(), words.end(),
                      [&](const auto& entry) { return entry.second == value; })
      ->first;
}

/// A space or a room, with who is to be in it. Groups are resolved already.
struct Room {
  std::string key;     ///< unique in the document; the alias is "#KEY:SERVER"
  std::string parent;  ///< key of the space it is in; "" for one at the top
  bool is_space = false;
  std::string name;
  std::string topic;
  std::string avatar;  ///< "" or mxc://...
  bool encrypted = true;
  std::string version;  ///< of the room: "11", "12", ...
  JoinRule join_rule =
      JoinRule::invite;  ///< restricted: members of `parent` may join by themselves
  History history = History::shared;
  std::optional<std::int64_t> retention_ms;  ///< m.room.retention max_lifetime
  bool suggested = false;                    ///< in its space
  bool federated = true;                     ///< false: m.federate is false; only at creation
  /// Power levels of the document: user ids to levels (an administrator has 100), and actions such
  /// as "invite", "events_default" or an event type. The provisioner's own account is not among
  /// them.
  std::map<std::string, int> power_users;
  std::map<std::string, int> power_actions;
  /// User ids that are to be in it. Local ones join; those of other servers are invited.
  Members members;
  /// Who takes over where an administrator has left; user ids in the order of preference.
  std::vector<std::string> deputies;
  bool is_for_guests = false;  ///< in a reserved tree
  Place place;
  bool operator==(const Room&) const = default;
};

/// What becomes of an account of the document's who is in it no more.
struct Leavers {
  enum class Then { lock, deactivate, erase };
  Then then = Then::deactivate;
  std::int64_t cool_down_s = 30 * 86400;  ///< between the lock and what comes then
  int max_percent = 10;                   ///< of the accounts, in one run
  bool operator==(const Leavers&) const = default;
};

/// How a run reaches Matrix Authentication Service where that keeps the server's accounts.
struct AuthenticationService {
  std::string url;                 ///< at which its API of administrators answers; "" without one
  std::string client_id;           ///< a ULID; "" for the operator's
  std::string client_secret_file;  ///< beside the document unless it is absolute
  bool operator==(const AuthenticationService&) const = default;
};

/// How a run reaches the server, where the command line does not say.
struct Homeserver {
  std::string url;  ///< at which Synapse's admin API answers
  std::string account;
  std::string password_file;            ///< beside the document unless it is absolute
  std::vector<std::string> recipients;  ///< public keys that first passwords are sealed for
  std::string company;                  ///< on the welcome sheets
  std::string web_url;                  ///< the same
  AuthenticationService authentication_service;
  bool operator==(const Homeserver&) const = default;
};

/// A company's people, spaces and rooms as they are to be: everything resolved and checked. Rooms
/// are in such an order that a parent stands before its children.
struct Directory {
  std::string name;         ///< metadata.name: which document this is; "" for none
  std::string server_name;  ///< "acme.example"
  bool passwords = true;  ///< whether new accounts get a first password; false with single sign-on
  std::string identity_provider;  ///< Synapse's id of it ("oidc-acme"); "" without external ids
  std::vector<Person> people;
  std::vector<Room> rooms;
  std::set<std::string> federated_guests;  ///< user ids of other servers
  Leavers leavers;
  Homeserver homeserver;
  bool operator==(const Directory&) const = default;
};

/// One thing wrong with a document: where, in which field, what, and what to do.
struct Problem {
  Place place;
  std::string field;    ///< "spec.spaces[2].rooms[0].key"; of a CSV its column's header
  std::string message;  ///< with the remedy
  bool operator==(const Problem&) const = default;
};

/// "staff.csv:12:3: email: ..." on one line.
std::string to_string(const Problem& problem);

}  // namespace alphorn::directory
