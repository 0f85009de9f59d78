#pragma once

#include <string>
#include <vector>

#include "manifests/tenant.hpp"
#include "manifests/workers.hpp"

/// What network policies are drawn with: pods, addresses, and the arrows between them.
namespace alphorn::manifests::arrows {

/// On the pods of a CloudNativePG cluster, and where its operator asks them how they are.
inline constexpr const char* kClusterLabel = "cnpg.io/cluster";
inline constexpr int kClusterStatusPort = 8000;

json udp(int number);
json tcp(int number);
/// Only the tenant's own: another program of the namespace may be called the same.
json pods_of(const Tenant& tenant, const std::string& component);
json pods_of(const Tenant& tenant, const WorkerSet& set);
json pods_of(const Tenant& tenant, const api::Bridge& bridge);
/// Some bridge has something to say, be it the last thing.
bool bridges_talk(const Tenant& tenant);
/// All of Synapse's: the main process, and the others where there are some.
json processes_of_homeserver(const Tenant& tenant);
json namespace_called(const std::string& name);
json from(const json& peers, const json& ports);
json to(const json& peers, const json& ports);
json arrow_to_pods(const Tenant& tenant, const std::string& component, int number);
json name_service();
json addresses(const std::string& cidr, const json& except);
json public_addresses();
json peers_of_federation(const Tenant& tenant);
/// Servers of other companies, whose names may carry any port; for those who talk to none, the push
/// services that phones are woken by.
json world_outside(const Tenant& tenant);
/// The arrow to a server that somebody else runs.
json arrow_to(const std::string& url, const std::vector<std::string>& networks);
/// Adds the arrow to a server that public_addresses() and port 443 do not reach.
void reach(json& arrows, const std::string& url, const std::vector<std::string>& networks);
/// Identity providers, whom the main process asks, and the bucket of who has the files.
void reach_what_is_brought(json& arrows, const api::CompanyHomeserverSpec& spec, bool logs_in,
                           bool has_media);
/// Where the database answers.
json database_arrow(const Tenant& tenant);
Manifest policy(const Tenant& tenant, const std::string& component, const std::string& name,
                const json& ingress, const json& egress);
/// Where Prometheus comes in; added to `ingress` while there is one.
void let_prometheus_in(const Tenant& tenant, int port, json& ingress);
/// By the label that the chart gives the operator's pods, whatever its release is called.
json asking_operator(const Tenant& tenant);

}  // namespace alphorn::manifests::arrows
