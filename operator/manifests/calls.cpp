#include "manifests/calls.hpp"

#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

using api::Calls;

// Ports of Services of nodes, where clients never see them.
constexpr int kMediaUdp = 7882;
constexpr int kMediaTcp = 7881;

bool is_balanced(const Tenant& tenant) {
  return tenant.spec.calls.mode == Calls::Mode::load_balancer;
}

/// A port by which clients come in: with a load balancer the Service's own, else the node's.
json entrance(const Tenant& tenant, const std::string& name, const std::string& protocol,
              int inside, const std::optional<int>& asked) {
  json result = {{"name", name}, {"protocol", protocol}, {"port", inside}};
  if (!asked) return result;
  result[is_balanced(tenant) ? "port" : "nodePort"] = *asked;
  return result;
}

/// Clients' own addresses are seen where only the nodes with the pod answer. Behind an address that
/// somebody declared may be any node.
Manifest entrances(const Tenant& tenant, const std::string& component, const std::string& name,
                   const json& ports, const std::string& found) {
  const Calls& calls = tenant.spec.calls;
  json meta = metadata(tenant, component, name);
  if (!found.empty()) meta["annotations"][kFoundAddress] = found;
  json spec = {{"type", is_balanced(tenant) ? "LoadBalancer" : "NodePort"},
               {"selector", selector(tenant, component)},
               {"ports", ports},
               {"externalTrafficPolicy",
                is_balanced(tenant) || calls.address.empty() ? "Local" : "Cluster"}};
  if (is_balanced(tenant)) {
    if (!calls.class_name.empty()) spec["loadBalancerClass"] = calls.class_name;
    for (const auto& [key, value] : calls.annotations) meta["annotations"][key] = value;
  }
  return {{"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", meta}, {"spec", spec}};
}

/// LiveKit tells clients the very port that it listens on, so it listens on the outer one.
Manifest media_service(const Tenant& tenant) {
  json udp = entrance(tenant, "udp", "UDP", kMediaUdp, tenant.spec.calls.udp_port);
  json tcp = entrance(tenant, "tcp", "TCP", kMediaTcp, tenant.spec.calls.tcp_port);
  if (tenant.calls.udp_port) udp["targetPort"] = *tenant.calls.udp_port;
  if (tenant.calls.tcp_port) tcp["targetPort"] = *tenant.calls.tcp_port;
  return entrances(tenant, kLiveKit, livekit_media_name(tenant), json::array({udp, tcp}), "");
}

/// The two entrances are one port. Where the cluster picks one it can be the same for both only by
/// chance, so UDP has the say and TCP follows.
Manifest turn_service(const Tenant& tenant) {
  const auto& asked = tenant.spec.calls.turn_port;
  json udp = entrance(tenant, "udp", "UDP", kTurnPort, asked);
  json tcp = entrance(tenant, "tcp", "TCP", kTurnPort, asked ? asked : tenant.calls.turn_port);
  for (json* port : {&udp, &tcp}) (*port)["targetPort"] = kTurnPort;
  json ports = json::array({udp});
  if (asked || tenant.calls.turn_port) ports.push_back(tcp);
  const std::string found = is_balanced(tenant) ? "" : tenant.calls.turn_address;
  return entrances(tenant, kTurn, turn_name(tenant), ports,
                   tenant.spec.calls.address.empty() ? found : "");
}

Manifest inner_service(const Tenant& tenant, const std::string& component, const std::string& name,
                       int number) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", metadata(tenant, component, name)},
      {"spec",
       {{"selector", selector(tenant, component)},
        {"ports", json::array({{{"name", "http"}, {"port", number}, {"targetPort", "http"}}})}}}};
}

/// The gateway under the ports of its public addresses: who is inside the cluster need not go round
/// by the outside to reach them, which not every router allows.
Manifest inner_gateway(const Tenant& tenant) {
  json ports = json::array();
  const auto add = [&](int number) {
    for (const json& port : ports) {
      if (port["port"] == number) return;
    }
    ports.push_back(
        {{"name", "https-" + std::to_string(number)}, {"port", number}, {"targetPort", "https"}});
  };
  add(kHttpsPort);
  add(tenant.node_port.value_or(kHttpsPort));
  const std::string& server = tenant.spec.server_name;
  if (const std::size_t colon = server.find(':'); colon != std::string::npos) {
    add(std::stoi(server.substr(colon + 1)));
  }
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", metadata(tenant, kLkJwt, inner_gateway_name(tenant))},
          {"spec", {{"selector", selector(tenant, "gateway")}, {"ports", ports}}}};
}

json livekit_files(const Tenant& tenant) {
  const json keys = {{kLiveKitKey, {{"$file", std::string{"/keys/calls/"} + kLiveKitSecret}}}};
  return {{"config.yaml", to_yaml(livekit_config(tenant))},
          {"keys.yaml", to_yaml(keys)},
          {"render_config.py", scripts::render_config}};
}

json turn_files(const Tenant& tenant) {
  return {{"turnserver.conf", turn_config(tenant)}, {"start_turn.sh", scripts::start_turn}};
}

/// Whoever signed the gateway's certificate, and whom the company trusts besides.
json lk_jwt_files(const Tenant& tenant) {
  const std::string& signer =
      is_signed_by_operator(tenant) ? tenant.authority_pem : tenant.brought_certificate_pem;
  return {{"ca.crt", signer + tenant.spec.ca_bundle}};
}

}  // namespace

std::string livekit_name(const Tenant& tenant) { return tenant.name + "-livekit"; }
std::string livekit_media_name(const Tenant& tenant) { return livekit_name(tenant) + "-media"; }
std::string turn_name(const Tenant& tenant) { return tenant.name + "-turn"; }
std::string lk_jwt_name(const Tenant& tenant) { return tenant.name + "-lk-jwt"; }
std::string inner_gateway_name(const Tenant& tenant) { return gateway_name(tenant) + "-inner"; }
std::string calls_keys(const Tenant& tenant) { return tenant.name + "-calls-keys"; }

/// Services come first: which ports and addresses they have stands in the programs' configuration.
Manifests calls(const Tenant& tenant) {
  if (!has_calls(tenant)) return {};
  Manifests result{turn_service(tenant), media_service(tenant),
                   inner_service(tenant, kLiveKit, livekit_name(tenant), kLiveKitPort)};
  const json turn = turn_files(tenant);
  result.push_back(config_map(tenant, kTurn, turn_name(tenant), turn));
  result.push_back(turn_deployment(tenant, turn));
  if (livekit_can_start(tenant)) {
    const json livekit = livekit_files(tenant);
    result.push_back(config_map(tenant, kLiveKit, livekit_name(tenant), livekit));
    result.push_back(livekit_deployment(tenant, livekit));
  }
  if (!has_group_calls(tenant)) return result;
  result.push_back(inner_gateway(tenant));
  result.push_back(inner_service(tenant, kLkJwt, lk_jwt_name(tenant), kLkJwtPort));
  if (!tenant.calls.inner_address.empty()) {
    const json lk_jwt = lk_jwt_files(tenant);
    result.push_back(config_map(tenant, kLkJwt, lk_jwt_name(tenant), lk_jwt));
    result.push_back(lk_jwt_deployment(tenant, lk_jwt));
  }
  return result;
}

}  // namespace alphorn::manifests
