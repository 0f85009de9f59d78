#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace alphorn::plan {

/// An account as the server lists it.
struct LiveAccount {
  std::string display_name;
  bool admin = false;
  bool locked = false;
  bool deactivated = false;
  /// The homeserver has it and the authentication service beside it does not: nobody logs in to it.
  bool is_puppet = false;
};

/// What a managed room's state events say, memberships left out, and who is in it.
struct LiveRoom {
  std::string room_id;
  /// Type and state key to content; m.room.member is left out.
  std::map<std::pair<std::string, std::string>, json> state;
  std::set<std::string> joined;
  std::set<std::string> invited;  ///< read only for rooms with guests of other servers

  const json& content(const std::string& type, const std::string& key = "") const;
  /// Of its create event: the document's may have changed since.
  std::string version() const;
};

/// A person whose account the directory once took charge of.
struct Charge {
  std::string fingerprint;  ///< of what the account list does not show: e-mail and external id
  std::int64_t left_s =
      0;  ///< when the account was locked as a leaver's, seconds of Unix time; 0: no
};

/// What one homeserver has of a directory.
struct Live {
  std::string bot;  ///< user id of the provisioner's own account
  std::map<std::string, LiveAccount> accounts;
  /// Of the server's accounts and the document's people, those whom a former run has erased: a
  /// restored backup may have brought them back.
  std::set<std::string> erased;
  std::map<std::string, LiveRoom> rooms;  ///< by the key in their create event
  /// The directory's memory: a room of the bot's own whose state names everybody in its charge.
  std::string ledger_room;  ///< "" when there is none yet
  std::string document;     ///< name of the document that the directory belongs to; "" for none
  std::map<std::string, Charge> ledger;
  std::map<std::string, json> ledger_parts;  ///< the same as it is written there
};

/// A managed room's key is said by its create event, in a field of this name: nobody can change it,
/// and the account that does the work has sent it. State of the same type says that the room is
/// complete, and what of it the document has determined: {"key": "engineering", "managed":
/// ["m.room.topic"]}. What is in `managed` and in the document no more is taken back.
inline constexpr const char* kLocator = "dev.alphorn.directory.room";
/// State of the ledger room: {"document": "acme"}.
inline constexpr const char* kOwner = "dev.alphorn.directory";
/// State of the ledger room, one event for each of its parts (plan/ledger.hpp).
inline constexpr const char* kLedger = "dev.alphorn.directory.people";

}  // namespace alphorn::plan
