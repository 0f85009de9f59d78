#include "manifests/arrows.hpp"

#include <array>

#include "manifests/bridges.hpp"
#include "manifests/database_login.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests::arrows {
namespace {

/// What Synapse calls no one at: private networks, those that are set aside, multicast.
constexpr std::array kInnerNetworks{
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"};
/// All addresses of the world of IPv6 are in 2000::/3.
constexpr const char* kWorld6 = "2000::/3";
constexpr std::array kInnerNetworks6{"2001:db8::/32"};

constexpr const char* kNamespaceName = "kubernetes.io/metadata.name";
/// Where the name service is asked: port 53 of its Service leads to 53 of its pods, or to 5353
/// where they are not allowed the lower one.
constexpr std::array kDnsPorts{53, 5353};
constexpr const char* kNodeLocalDns = "169.254.20.10/32";

}  // namespace

json udp(int number) { return {{"protocol", "UDP"}, {"port", number}}; }
json tcp(int number) { return {{"protocol", "TCP"}, {"port", number}}; }

json pods_of(const Tenant& tenant, const std::string& component) {
  json match = selector(tenant, component);
  match[kTenantLabel] = tenant.name;
  return {{"matchLabels", match}};
}

json pods_of(const Tenant& tenant, const WorkerSet& set) {
  json pods = pods_of(tenant, kWorker);
  pods["matchLabels"][kWorkerRole] = api::name_of(set.role);
  return pods;
}

json pods_of(const Tenant& tenant, const api::Bridge& bridge) {
  json pods = pods_of(tenant, kBridge);
  pods["matchLabels"][kBridgeLabel] = bridge.name;
  return pods;
}

bool bridges_talk(const Tenant& tenant) { return has_bridges(tenant) || tenant.bridges_leave; }

json processes_of_homeserver(const Tenant& tenant) {
  json pods = json::array({{{"podSelector", pods_of(tenant, "homeserver")}}});
  if (has_workers(tenant)) pods.push_back({{"podSelector", pods_of(tenant, kWorker)}});
  return pods;
}

json namespace_called(const std::string& name) {
  return {{"matchLabels", {{kNamespaceName, name}}}};
}

json from(const json& peers, const json& ports) { return {{"from", peers}, {"ports", ports}}; }
json to(const json& peers, const json& ports) { return {{"to", peers}, {"ports", ports}}; }

json arrow_to_pods(const Tenant& tenant, const std::string& component, int number) {
  return to(json::array({{{"podSelector", pods_of(tenant, component)}}}),
            json::array({tcp(number)}));
}

json name_service() {
  json ports = json::array();
  for (const int port : kDnsPorts) {
    for (const char* protocol : {"UDP", "TCP"}) {
      ports.push_back({{"protocol", protocol}, {"port", port}});
    }
  }
  const json servers = {{"namespaceSelector", namespace_called("kube-system")},
                        {"podSelector", {{"matchLabels", {{"k8s-app", "kube-dns"}}}}}};
  return to(json::array({servers, {{"ipBlock", {{"cidr", kNodeLocalDns}}}}}), ports);
}

json addresses(const std::string& cidr, const json& except) {
  json block = {{"cidr", cidr}};
  if (!except.empty()) block["except"] = except;
  return {{"ipBlock", block}};
}

json public_addresses() {
  return json::array({addresses("0.0.0.0/0", kInnerNetworks), addresses(kWorld6, kInnerNetworks6)});
}

json peers_of_federation(const Tenant& tenant) {
  json peers = public_addresses();
  for (const std::string& network : tenant.spec.federation.private_networks) {
    peers.push_back(addresses(network, json::array()));
  }
  // Where a public address leads to a gateway of this cluster, the way may end at its pod before a
  // policy is asked.
  const json gateways = {{"app.kubernetes.io/name", "gateway"}, {kManagedByLabel, kManagedBy}};
  peers.push_back(
      {{"namespaceSelector", json::object()}, {"podSelector", {{"matchLabels", gateways}}}});
  return peers;
}

json world_outside(const Tenant& tenant) {
  if (!federates(tenant)) return to(public_addresses(), json::array({tcp(kHttpsPort)}));
  return to(peers_of_federation(tenant), json::array({{{"protocol", "TCP"}}}));
}

json arrow_to(const std::string& url, const std::vector<std::string>& networks) {
  json where = json::array();
  for (const std::string& network : networks) where.push_back(addresses(network, json::array()));
  return to(where.empty() ? public_addresses() : where, json::array({tcp(api::port_of(url))}));
}

void reach(json& arrows, const std::string& url, const std::vector<std::string>& networks) {
  if (networks.empty() && api::port_of(url) == kHttpsPort) return;
  arrows.push_back(arrow_to(url, networks));
}

void reach_what_is_brought(json& arrows, const api::CompanyHomeserverSpec& spec, bool logs_in,
                           bool has_media) {
  for (const api::OidcProvider& provider : spec.authentication.oidc) {
    if (logs_in) reach(arrows, provider.issuer, provider.networks);
  }
  if (spec.media_bucket && has_media) {
    reach(arrows, spec.media_bucket->endpoint, spec.media_bucket->networks);
  }
}

json database_arrow(const Tenant& tenant) {
  if (has_cloudnative_pg_database(tenant)) {
    const json database = {
        {"podSelector", {{"matchLabels", {{kClusterLabel, database_name(tenant)}}}}}};
    return to(json::array({database}), json::array({tcp(kDatabasePort)}));
  }
  if (!has_external_database(tenant)) {
    const json database = {{"podSelector", pods_of(tenant, "database")}};
    return to(json::array({database}), json::array({tcp(kDatabasePort)}));
  }
  json where = json::array();
  for (const std::string& network : tenant.spec.external_database->networks) {
    where.push_back(addresses(network, json::array()));
  }
  return to(where.empty() ? public_addresses() : where,
            json::array({tcp(tenant.spec.external_database->port)}));
}

Manifest policy(const Tenant& tenant, const std::string& component, const std::string& name,
                const json& ingress, const json& egress) {
  json spec = {{"podSelector", pods_of(tenant, component)},
               {"policyTypes", json::array({"Ingress", "Egress"})}};
  if (!ingress.empty()) spec["ingress"] = ingress;
  if (!egress.empty()) spec["egress"] = egress;  // the API server keeps no empty list
  return {{"apiVersion", "networking.k8s.io/v1"},
          {"kind", "NetworkPolicy"},
          {"metadata", metadata(tenant, "network", name)},
          {"spec", spec}};
}

void let_prometheus_in(const Tenant& tenant, int port, json& ingress) {
  if (!is_watched(tenant)) return;
  const json prometheus = {{"namespaceSelector", namespace_called(tenant.monitoring_ns)}};
  ingress.push_back(from(json::array({prometheus}), json::array({tcp(port)})));
}

json asking_operator(const Tenant& tenant) {
  return {{"namespaceSelector", namespace_called(tenant.operator_ns)},
          {"podSelector", {{"matchLabels", {{"app.kubernetes.io/name", "alphorn-operator"}}}}}};
}

}  // namespace alphorn::manifests::arrows
