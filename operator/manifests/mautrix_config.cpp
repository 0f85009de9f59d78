#include <stdexcept>

#include "manifests/bridges.hpp"
#include "manifests/vocabulary.hpp"

// The mautrix family reads one file; what it does not say is as the program has it. Keys as in
// https://docs.mau.fi/bridges/general/initial-config.html and the programs' example configuration.
namespace alphorn::manifests {
namespace {

using api::Bridge;
using api::BridgeType;

constexpr const char* kDoublePuppetToken = "/keys/double-puppet/as_token";
constexpr int kConnections = 4;

json file(const std::string& path) { return {{"$file", path}}; }
json key(const char* entry) { return file(std::string{kBridgeKeysFolder} + "/" + entry); }
std::string credential(const char* entry) { return std::string{kCredentialsFolder} + "/" + entry; }

/// What a person writes before a command, and how the network is called.
struct Words {
  const char* command;
  const char* network;
};

Words words_of(BridgeType type) {
  switch (type) {
    case BridgeType::whatsapp:
      return {"!wa", "WhatsApp"};
    case BridgeType::slack:
      return {"!slack", "Slack"};
    case BridgeType::messenger:
      return {"!fb", "Messenger"};
    case BridgeType::instagram:
      return {"!ig", "Instagram"};
    case BridgeType::telegram:
      return {"!tg", "Telegram"};
    case BridgeType::signal:
      return {"!signal", "Signal"};
    case BridgeType::gmessages:
      return {"!gm", "Google Messages"};
    case BridgeType::irc:
    case BridgeType::hookshot:
    case BridgeType::generic:
    case BridgeType::skype:
      break;
  }
  throw std::logic_error("not one of the mautrix family");
}

json appservice(const Tenant& tenant, const Bridge& bridge) {
  const std::string bot = bot_of(tenant, bridge);
  return {{"id", bridge.name},
          {"address", bridge_url(tenant, bridge)},
          {"hostname", "0.0.0.0"},
          {"port", port_of(bridge)},
          // Without an avatar of ours it would be one on the server of the program's author, whom
          // the homeserver then asks.
          {"bot",
           {{"username", bot.substr(1, bot.find(':') - 1)},
            {"displayname", std::string{words_of(bridge.type).network} + " bridge"},
            {"avatar", ""}}},
          {"ephemeral_events", true},
          {"as_token", key(kAsToken)},
          {"hs_token", key(kHsToken)},
          {"username_template", bridge.name + "_{{.}}"}};
}

json database(const Tenant& tenant, const Bridge& bridge) {
  return {{"type", "postgres"},
          {"uri", database_uri(tenant, bridge, "?sslmode=disable")},
          {"max_open_conns", kConnections}};
}

json permissions(const Tenant& tenant, const Bridge& bridge) {
  json result = json::object();
  if (bridge.relay) result["*"] = "relay";
  if (bridge.users.empty()) result[tenant.spec.server_name] = "user";
  for (const std::string& who : bridge.users) result[who] = "user";
  for (const std::string& who : bridge.admins) result[who] = "admin";
  // None at all is refused by the program as an example that nobody filled in.
  return result;
}

json encryption(const Tenant& tenant) {
  const bool by_default = tenant.spec.encrypted_rooms != api::EncryptedRooms::off;
  json result = {{"allow", true}, {"default", by_default}, {"pickle_key", key(kPickleKey)}};
  if (has_mas(tenant)) result["msc4190"] = true;
  return result;
}

json network(const Bridge& bridge) {
  switch (bridge.type) {
    case BridgeType::messenger:
      return {{"mode", "facebook"}};
    case BridgeType::instagram:
      return {{"mode", "instagram"}};
    case BridgeType::telegram:
      return {{"api_id", {{"$integer", credential(kApiId)}}},
              {"api_hash", file(credential(kApiHash))}};
    case BridgeType::whatsapp:
    case BridgeType::slack:
    case BridgeType::signal:
    case BridgeType::gmessages:
    case BridgeType::irc:
    case BridgeType::hookshot:
    case BridgeType::generic:
    case BridgeType::skype:
      break;
  }
  return json::object();
}

}  // namespace

json mautrix_config(const Tenant& tenant, const Bridge& bridge) {
  json result = {{"homeserver",
                  {{"address", homeserver_of_bridges(tenant)},
                   {"domain", tenant.spec.server_name},
                   {"software", "standard"}}},
                 {"appservice", appservice(tenant, bridge)},
                 {"database", database(tenant, bridge)},
                 {"bridge",
                  {{"command_prefix", words_of(bridge.type).command},
                   {"permissions", permissions(tenant, bridge)},
                   {"relay", {{"enabled", bridge.relay}}}}},
                 {"provisioning", {{"shared_secret", key(kProvisioningSecret)}}},
                 {"double_puppet",
                  {{"servers", json::object()},
                   {"allow_discovery", false},
                   {"secrets",
                    {{tenant.spec.server_name,
                      {{"$join", json::array({"as_token:", file(kDoublePuppetToken)})}}}}}}},
                 {"encryption", encryption(tenant)},
                 {"logging",
                  {{"min_level", "info"},
                   {"writers", json::array({{{"type", "stdout"}, {"format", "json"}}})}}}};
  if (json wanted = network(bridge); !wanted.empty()) result["network"] = std::move(wanted);
  return result;
}

}  // namespace alphorn::manifests
