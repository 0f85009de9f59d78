#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace alphorn::api {

/// The networks that a company can talk to, and how.
enum class BridgeType {
  whatsapp,
  slack,
  messenger,
  instagram,
  telegram,
  signal,
  gmessages,
  irc,
  hookshot,
  generic,
  skype
};

/// An application service that the operator knows nothing of.
struct GenericBridge {
  std::string image;
  std::vector<std::string> command;
  int port = 0;
  std::string bot;                          ///< localpart
  std::vector<std::string> user_prefixes;   ///< of the localparts that are its own
  std::vector<std::string> alias_prefixes;  ///< of the aliases that are its own
  std::string config_secret;  ///< its keys become files, completed by placeholders; "" for none
  bool has_database = false;
  std::string live_path;   ///< asked whether it lives; "": that its port is open is enough
  std::string ready_path;  ///< asked whether it serves; "" as above
  bool operator==(const GenericBridge&) const = default;
};

/// One bridge of a company.
struct Bridge {
  std::string name;  ///< of its workload, its database, and the accounts that it speaks for
  BridgeType type = BridgeType::generic;
  std::vector<std::string> admins;    ///< Matrix ids
  std::vector<std::string> users;     ///< Matrix ids or server names; empty for the whole company
  bool relay = false;                 ///< it speaks for those who are not logged in
  std::vector<std::string> networks;  ///< CIDRs in which its network answers; empty for public ones
  std::vector<int> ports;             ///< TCP ports of its network; empty for the type's own
  /// The Secret with what the network knows the company by, or with a hookshot's services; "" for
  /// none.
  std::string credentials;
  json resources;  ///< core/v1 ResourceRequirements
  std::optional<GenericBridge> generic;
  bool operator==(const Bridge&) const = default;
};

/// A type with its name in the schema.
struct BridgeKind {
  BridgeType type;
  const char* name;
};

/// All of them, in the schema's order.
const std::vector<BridgeKind>& bridge_kinds();

/// "whatsapp" of BridgeType::whatsapp.
std::string name_of(BridgeType type);

}  // namespace alphorn::api
