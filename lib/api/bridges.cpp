#include <algorithm>
#include <set>
#include <stdexcept>

#include "api/rules.hpp"

namespace alphorn::api {
namespace {

// The schema's defaults once more; a contract test compares the two.
constexpr Amounts kAmounts{"20m", "64Mi", "1", "512Mi"};
constexpr std::size_t kLongestName = 16;
constexpr int kFirstPort = 1024;
constexpr int kLastPort = 65535;

BridgeType type_from(const std::string& name) {
  for (const BridgeKind& kind : bridge_kinds()) {
    if (name == kind.name) return kind.type;
  }
  return BridgeType::generic;  // the schema knows no other
}

GenericBridge generic_from(const json& generic, const std::string& name) {
  GenericBridge result{.image = string_at(generic, "image"),
                       .command = texts_at(generic, "command"),
                       .port = static_cast<int>(integer_at(generic, "port")),
                       .bot = string_or(generic, "registration/bot", name + "bot"),
                       .user_prefixes = texts_at(generic, "registration/userPrefixes"),
                       .alias_prefixes = texts_at(generic, "registration/aliasPrefixes"),
                       .config_secret = string_at(generic, "configSecretRef/name"),
                       .has_database = at_path(generic, "database") == true,
                       .live_path = string_at(generic, "probes/live"),
                       .ready_path = string_at(generic, "probes/ready")};
  if (result.user_prefixes.empty()) result.user_prefixes.push_back(name + "_");
  return result;
}

Bridge bridge_from(const json& bridge) {
  Bridge result{.name = string_at(bridge, "name"),
                .type = type_from(string_at(bridge, "type")),
                .admins = texts_at(bridge, "admins"),
                .users = texts_at(bridge, "users"),
                .relay = at_path(bridge, "relay") == true,
                .networks = texts_at(bridge, "networks"),
                .ports = {},
                .credentials = string_at(bridge, "credentialsSecretRef/name"),
                .resources = resources_from(at_path(bridge, "resources"), kAmounts),
                .generic = {}};
  for (const json& port : at_path(bridge, "ports")) {
    if (port.is_number_integer()) result.ports.push_back(port.get<int>());
  }
  const json& generic = at_path(bridge, "generic");
  if (generic.is_object()) result.generic = generic_from(generic, result.name);
  return result;
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_bridge_name(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName && is_lower(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_lower(c) || is_digit(c); });
}

/// What may begin, or be, the localpart of an account that a bridge speaks for.
bool is_part_of_localpart(const std::string& text) {
  constexpr std::size_t kLongest = 64;
  constexpr std::string_view kOthers = "._=/+-";
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_lower(c) || is_digit(c) || kOthers.find(c) != std::string_view::npos;
         });
}

/// Synapse wants a sender that needs no escaping in a URL.
bool is_bot(const std::string& text) {
  return text.find_first_of("+=") == std::string::npos && is_part_of_localpart(text);
}

/// How long company and bridge may be together: pods are called after both.
constexpr std::size_t kLongestNames = 49;

bool is_path(const std::string& text) {
  constexpr std::size_t kLongest = 200;
  return text.empty() || (text.size() <= kLongest && text.front() == '/' &&
                          std::all_of(text.begin(), text.end(), [](char c) {
                            return c > ' ' && c <= '~' && c != '?' && c != '#';
                          }));
}

/// "@boss:acme.example".
bool is_matrix_id(const std::string& text) {
  const std::size_t colon = text.find(':');
  return text.size() <= 230 && text.size() > 3 && text.front() == '@' && colon != 1 &&
         colon != std::string::npos && is_server_name(text.substr(colon + 1));
}

template <typename Rule>
bool all(const std::vector<std::string>& texts, Rule holds) {
  return std::all_of(texts.begin(), texts.end(), holds);
}

void check_generic(Findings& findings, const GenericBridge& generic) {
  findings.check(!generic.image.empty() && generic.image.size() <= 512,
                 "spec.bridges.generic.image",
                 "generic.image must be an image with a tag or a digest");
  findings.check(generic.port >= kFirstPort && generic.port <= kLastPort,
                 "spec.bridges.generic.port", "generic.port must be between 1024 and 65535");
  findings.check(is_bot(generic.bot), "spec.bridges.generic.registration",
                 "registration.bot must hold only a-z, 0-9 and any of . _ / -");
  findings.check(all(generic.user_prefixes, is_part_of_localpart),
                 "spec.bridges.generic.registration",
                 "registration must hold only a-z, 0-9 and any of . _ = / + -");
  findings.check(all(generic.alias_prefixes, is_part_of_localpart),
                 "spec.bridges.generic.registration",
                 "registration must hold only a-z, 0-9 and any of . _ = / + -");
  findings.check(generic.config_secret.empty() || is_object_name(generic.config_secret),
                 "spec.bridges.generic.configSecretRef",
                 R"(configSecretRef.name must hold only a-z, 0-9, "-" and ".")");
  findings.check(is_path(generic.live_path) && is_path(generic.ready_path),
                 "spec.bridges.generic.probes",
                 "probes must be paths that begin with \"/\", such as /_matrix/mau/ready");
}

/// mautrix-telegram logs in as an application that somebody registered; hookshot may serve more
/// than it can by itself.
void check_credentials(Findings& findings, const Bridge& bridge) {
  const bool needs = bridge.type == BridgeType::telegram;
  const bool may = needs || bridge.type == BridgeType::hookshot;
  findings.check(
      bridge.credentials.empty() ? !needs : may, "spec.bridges.credentialsSecretRef",
      "bridges.credentialsSecretRef names the Secret with api-id and api-hash of \"type: "
      "telegram\", or with services.yaml of \"type: hookshot\", and of no other type");
  findings.check(bridge.credentials.empty() || is_object_name(bridge.credentials),
                 "spec.bridges.credentialsSecretRef",
                 R"(credentialsSecretRef.name must hold only a-z, 0-9, "-" and ".")");
}

void check_bridge(Findings& findings, const Bridge& bridge) {
  findings.check(is_bridge_name(bridge.name), "spec.bridges.name",
                 "bridges.name must have at most 16 characters, only a-z and 0-9, and begin with a "
                 "letter");
  findings.check((bridge.type == BridgeType::generic) == bridge.generic.has_value(),
                 "spec.bridges.generic",
                 "bridges.generic describes \"type: generic\", and no other type");
  findings.check(all(bridge.admins, is_matrix_id), "spec.bridges.admins",
                 "bridges.admins must hold Matrix ids, such as @boss:acme.example");
  findings.check(
      all(bridge.users,
          [](const std::string& who) { return is_matrix_id(who) || is_server_name(who); }),
      "spec.bridges.users",
      "bridges.users must hold Matrix ids or server names, such as @boss:acme.example");
  findings.check(all(bridge.networks, is_network), "spec.bridges.networks",
                 "bridges.networks must hold networks with a prefix of at least 8 bits, such as "
                 "10.20.0.0/16");
  findings.check(std::all_of(bridge.ports.begin(), bridge.ports.end(),
                             [](int port) { return port >= 1 && port <= kLastPort; }),
                 "spec.bridges.ports", "bridges.ports must be between 1 and 65535");
  check_resources(findings, bridge.resources, "spec.bridges.resources", "resources");
  check_credentials(findings, bridge);
  if (bridge.generic) check_generic(findings, *bridge.generic);
}

std::string bot_of(const Bridge& bridge) {
  return bridge.generic ? bridge.generic->bot : bridge.name + "bot";
}

std::vector<std::string> prefixes_of(const Bridge& bridge) {
  return bridge.generic ? bridge.generic->user_prefixes
                        : std::vector<std::string>{bridge.name + "_"};
}

bool begins_with_one_of(const std::string& text, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return text.starts_with(prefix); });
}

/// It would own the account of the company's administrator.
bool takes_administrator(const Bridge& bridge, const std::string& administrator) {
  return bot_of(bridge) == administrator || begins_with_one_of(administrator, prefixes_of(bridge));
}

/// Some of what this one owns would be the other's.
bool takes_from(const Bridge& bridge, const Bridge& other) {
  const std::vector<std::string> prefixes = prefixes_of(bridge);
  const std::vector<std::string> others = prefixes_of(other);
  const auto is_taken = [&](const std::string& text) { return begins_with_one_of(text, prefixes); };
  if (bot_of(bridge) == bot_of(other) || is_taken(bot_of(other)) ||
      std::any_of(others.begin(), others.end(), is_taken)) {
    return true;
  }
  if (!bridge.generic || !other.generic) return false;
  const auto& aliases = other.generic->alias_prefixes;
  return std::any_of(aliases.begin(), aliases.end(), [&](const std::string& alias) {
    return begins_with_one_of(alias, bridge.generic->alias_prefixes);
  });
}

/// Both would answer whoever says "!wa" in a room where both are.
bool listen_to_one_command(const Bridge& one, const Bridge& other) {
  return one.type == other.type && one.type != BridgeType::irc && one.type != BridgeType::generic &&
         one.type != BridgeType::skype;
}

void check_together(Findings& findings, const Bridge& bridge, const Bridge& other) {
  findings.check(!takes_from(bridge, other) && !takes_from(other, bridge), "spec.bridges",
                 "bridges must not own the same accounts or aliases: give one of them another "
                 "name, bot or prefix");
  findings.check(!listen_to_one_command(bridge, other), "spec.bridges",
                 "bridges of one type listen to one command: only those of \"type: irc\" and "
                 "\"generic\" can be several");
}

bool keeps_a_database(const Bridge& bridge) {
  if (bridge.generic) return bridge.generic->has_database;
  return bridge.type != BridgeType::irc && bridge.type != BridgeType::hookshot &&
         bridge.type != BridgeType::skype;
}

}  // namespace

const std::vector<BridgeKind>& bridge_kinds() {
  using enum BridgeType;
  static const std::vector<BridgeKind> kinds{
      {whatsapp, "whatsapp"},   {slack, "slack"},       {messenger, "messenger"},
      {instagram, "instagram"}, {telegram, "telegram"}, {signal, "signal"},
      {gmessages, "gmessages"}, {irc, "irc"},           {hookshot, "hookshot"},
      {generic, "generic"},     {skype, "skype"}};
  return kinds;
}

std::string name_of(BridgeType type) {
  for (const BridgeKind& kind : bridge_kinds()) {
    if (kind.type == type) return kind.name;
  }
  throw std::logic_error("no such type of bridge");
}

std::vector<Bridge> bridges_from(const json& bridges) {
  std::vector<Bridge> result;
  for (const json& bridge : bridges) result.push_back(bridge_from(bridge));
  return result;
}

void check_bridges(Findings& findings, const std::string& company,
                   const CompanyHomeserverSpec& spec) {
  std::set<std::string> names;
  for (const Bridge& bridge : spec.bridges) {
    check_bridge(findings, bridge);
    findings.check(names.insert(bridge.name).second, "spec.bridges.name",
                   "bridges.name must be another one for each bridge");
    for (const Bridge& other : spec.bridges) {
      if (other.name < bridge.name) check_together(findings, bridge, other);
    }
    findings.check(company.size() + bridge.name.size() <= kLongestNames, "spec.bridges.name",
                   "bridges.name and metadata.name must have at most 49 characters together");
    findings.check(!takes_administrator(bridge, spec.administrator), "spec.bridges",
                   "a bridge must not own the account of administrator.localpart: give it another "
                   "name, bot or prefix");
    findings.check(!keeps_a_database(bridge) || spec.database_mode == DatabaseMode::builtin,
                   "spec.bridges",
                   "bridges of this type keep a database of their own and need \"database: {mode: "
                   "builtin}\"");
    const bool reads_encrypted =
        bridge.type != BridgeType::irc && bridge.type != BridgeType::hookshot;
    findings.check(reads_encrypted || spec.encrypted_rooms != EncryptedRooms::all, "spec.bridges",
                   "bridges of \"type: irc\" and \"type: hookshot\" cannot read encrypted rooms: "
                   "say \"encryption: {rooms: invite}\" or \"off\"");
  }
}

}  // namespace alphorn::api
