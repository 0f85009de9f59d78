#include <algorithm>
#include <stdexcept>

#include "manifests/bridges.hpp"

// What is known of each type of bridge, and the names of what belongs to one.
namespace alphorn::manifests {
namespace {

using api::Bridge;
using api::BridgeType;
using Ports = std::vector<int>;

/// Where each network answers.
Ports ports_of_network(BridgeType type) {
  switch (type) {
    case BridgeType::telegram:
      return {80, 443, 5222};
    case BridgeType::irc:
      return {6667, 6697};
    case BridgeType::whatsapp:
    case BridgeType::slack:
    case BridgeType::messenger:
    case BridgeType::instagram:
    case BridgeType::signal:
    case BridgeType::gmessages:
    case BridgeType::hookshot:
    case BridgeType::generic:
      return {kHttpsPort};
    case BridgeType::skype:
      return {};
  }
  throw std::logic_error("no such type of bridge");
}

}  // namespace

bool is_alive(const Bridge& bridge) { return bridge.type != BridgeType::skype; }

std::vector<Bridge> live_bridges(const Tenant& tenant) {
  std::vector<Bridge> result;
  std::copy_if(tenant.spec.bridges.begin(), tenant.spec.bridges.end(), std::back_inserter(result),
               is_alive);
  // The order of the list means nothing: another one must not restart anybody.
  std::sort(result.begin(), result.end(),
            [](const Bridge& a, const Bridge& b) { return a.name < b.name; });
  return result;
}

bool has_bridges(const Tenant& tenant) {
  const auto& bridges = tenant.spec.bridges;
  return std::any_of(bridges.begin(), bridges.end(), is_alive);
}

bool is_mautrix(const Bridge& bridge) {
  switch (bridge.type) {
    case BridgeType::whatsapp:
    case BridgeType::slack:
    case BridgeType::messenger:
    case BridgeType::instagram:
    case BridgeType::telegram:
    case BridgeType::signal:
    case BridgeType::gmessages:
      return true;
    case BridgeType::irc:
    case BridgeType::hookshot:
    case BridgeType::generic:
    case BridgeType::skype:
      break;
  }
  return false;
}

bool is_hookshot(const Bridge& bridge) { return bridge.type == BridgeType::hookshot; }

bool has_database(const Bridge& bridge) {
  return bridge.generic ? bridge.generic->has_database : is_mautrix(bridge);
}

bool has_lasting_keys(const Bridge& bridge) { return has_database(bridge) || is_hookshot(bridge); }

bool has_double_puppets(const Tenant& tenant) {
  const auto& bridges = tenant.spec.bridges;
  return std::any_of(bridges.begin(), bridges.end(), is_mautrix);
}

std::string bridge_name(const Tenant& tenant, const Bridge& bridge) {
  return tenant.name + "-bridge-" + bridge.name;
}

std::string bridge_keys(const Tenant& tenant, const Bridge& bridge) {
  return bridge_name(tenant, bridge);
}

std::string double_puppet_keys(const Tenant& tenant) { return tenant.name + "-double-puppet"; }

std::string bridge_role(const Bridge& bridge) { return "bridge_" + bridge.name; }

std::string bridge_image(const Tenant& tenant, const Bridge& bridge) {
  if (bridge.generic) return bridge.generic->image;
  const auto found = tenant.images.bridges.find(api::name_of(bridge.type));
  return found == tenant.images.bridges.end() ? "" : found->second;
}

std::string bridge_url(const Tenant& tenant, const Bridge& bridge) {
  return inner_url(tenant, bridge_name(tenant, bridge), port_of(bridge));
}

json database_uri(const Tenant& tenant, const Bridge& bridge, const std::string& options) {
  const std::string role = bridge_role(bridge);
  const json password = {{"$file", std::string{kBridgeKeysFolder} + "/" + kBridgePassword}};
  return {{"$join", json::array({"postgres://" + role + ":", password,
                                 "@" + database_name(tenant) + ":" + std::to_string(kDatabasePort) +
                                     "/" + role + options})}};
}

int port_of(const Bridge& bridge) { return bridge.generic ? bridge.generic->port : kBridgePort; }

std::string bot_of(const Tenant& tenant, const Bridge& bridge) {
  const std::string localpart = bridge.generic ? bridge.generic->bot : bridge.name + "bot";
  return "@" + localpart + ":" + tenant.spec.server_name;
}

std::string brought_secret(const Bridge& bridge) {
  return bridge.generic ? bridge.generic->config_secret : bridge.credentials;
}

Ports network_ports(const Bridge& bridge) {
  return bridge.ports.empty() ? ports_of_network(bridge.type) : bridge.ports;
}

bool has_door_for_bridges(const Tenant& tenant) {
  return has_bridges(tenant) && has_workers(tenant);
}

std::string door_for_bridges(const Tenant& tenant) { return gateway_name(tenant) + "-bridges"; }

std::string homeserver_of_bridges(const Tenant& tenant) {
  if (!has_door_for_bridges(tenant)) return homeserver_url(tenant);
  return inner_url(tenant, door_for_bridges(tenant), kGatewayBridgesPort);
}

bool can_start(const Tenant& tenant, const Bridge& bridge) {
  const auto seen = tenant.bridges_seen.find(bridge.name);
  if (seen == tenant.bridges_seen.end() || seen->second.keys.empty()) return false;
  return !bridge_image(tenant, bridge).empty() &&
         (brought_secret(bridge).empty() || !seen->second.brought.empty());
}

}  // namespace alphorn::manifests
