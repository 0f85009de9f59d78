#include <optional>

#include "manifests/arrows.hpp"
#include "manifests/backup.hpp"
#include "manifests/bridges.hpp"
#include "manifests/calls.hpp"
#include "manifests/database_login.hpp"
#include "manifests/directory.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"

// A pod that a policy selects has the arrows that are drawn here and no others; docs/isolation.md
// shows them as a table. The node may always knock at its own pods: probes need no arrow.
namespace alphorn::manifests {
namespace {

using namespace arrows;

Manifest database_policy(const Tenant& tenant) {
  json clients = processes_of_homeserver(tenant);
  clients.push_back({{"podSelector", pods_of(tenant, kDatabaseCheck)}});
  if (has_backup(tenant)) clients.push_back({{"podSelector", pods_of(tenant, kBackup)}});
  if (has_mas(tenant)) clients.push_back({{"podSelector", pods_of(tenant, "mas")}});
  // Also of one that is on its way out, which has something to write still.
  if (bridges_talk(tenant)) clients.push_back({{"podSelector", pods_of(tenant, kBridge)}});
  // It counts who is logged in by bridges of the mautrix family.
  if (has_double_puppets(tenant)) clients.push_back(asking_operator(tenant));
  json ingress = json::array({from(clients, json::array({tcp(kDatabasePort)}))});
  let_prometheus_in(tenant, kDatabaseMetricsPort, ingress);
  return policy(tenant, "database", database_name(tenant), ingress, json::array());
}

/// CloudNativePG's servers ask the API server, copy from one another, and may write backups
/// wherever they were told: only who comes in is looked at.
Manifest database_cluster_policy(const Tenant& tenant) {
  const json servers = {{"matchLabels", {{kClusterLabel, database_name(tenant)}}}};
  json clients = processes_of_homeserver(tenant);
  clients.push_back({{"podSelector", pods_of(tenant, kDatabaseCheck)}});
  if (has_backup(tenant)) clients.push_back({{"podSelector", pods_of(tenant, kBackup)}});
  clients.push_back({{"podSelector", servers}});
  const json asking_operator = {
      {"namespaceSelector", json::object()},
      {"podSelector", {{"matchLabels", {{"app.kubernetes.io/name", "cloudnative-pg"}}}}}};
  return {{"apiVersion", "networking.k8s.io/v1"},
          {"kind", "NetworkPolicy"},
          {"metadata", metadata(tenant, "network", database_name(tenant))},
          {"spec",
           {{"podSelector", servers},
            {"policyTypes", json::array({"Ingress"})},
            {"ingress",
             json::array({from(clients, json::array({tcp(kDatabasePort)})),
                          from(json::array({asking_operator, {{"podSelector", servers}}}),
                               json::array({tcp(kDatabasePort), tcp(kClusterStatusPort)}))})}}}};
}

Manifest database_check_policy(const Tenant& tenant) {
  return policy(tenant, kDatabaseCheck, database_check(tenant), json::array(),
                json::array({database_arrow(tenant), name_service()}));
}

/// Runs of a CompanyDirectory. The arrow's other end is the homeserver's, which stands before it.
Manifest policy_of_runs(const Tenant& tenant) {
  const json homeserver = {{"podSelector", pods_of(tenant, "homeserver")}};
  return policy(tenant, kDirectory, directory_policy(tenant), json::array(),
                json::array({to(json::array({homeserver}), json::array({tcp(kHomeserverPort)})),
                             name_service()}));
}

/// Of runs that write a backup: the database and the repository, and nobody else.
Manifest backup_policy(const Tenant& tenant) {
  const api::BackupRepository& repository = tenant.spec.backup->repository;
  json egress = json::array({database_arrow(tenant), name_service()});
  if (repository.claim_name.empty()) {
    egress.push_back(arrow_to(repository.endpoint, repository.networks));
  }
  return policy(tenant, kBackup, backup_name(tenant), json::array(), egress);
}

/// Of drills: the repository alone, so that the copy of a company cannot act as it.
Manifest drill_policy(const Tenant& tenant) {
  const api::BackupRepository& repository = tenant.spec.backup->repository;
  json egress = json::array();
  if (repository.claim_name.empty()) {
    egress = json::array({name_service(), arrow_to(repository.endpoint, repository.networks)});
  }
  return policy(tenant, kDrill, drill_name(tenant), json::array(), egress);
}

/// From one process of the homeserver to the others, and to what they hear of one another by.
void reach_other_processes(const Tenant& tenant, json& arrows) {
  if (!has_workers(tenant)) return;
  const json redis = {{"podSelector", pods_of(tenant, "redis")}};
  arrows.push_back(to(json::array({redis}), json::array({tcp(kRedisPort)})));
  json writers = json::array({{{"podSelector", pods_of(tenant, "homeserver")}}});
  for (const WorkerSet& set : worker_sets(tenant)) {
    if (writes_streams(set.role)) writers.push_back({{"podSelector", pods_of(tenant, set)}});
  }
  arrows.push_back(to(writers, json::array({tcp(kReplicationPort)})));
}

/// The main process tells application services what happens.
void reach_bridges(const Tenant& tenant, json& arrows) {
  for (const api::Bridge& bridge : live_bridges(tenant)) {
    const json pods = {{"podSelector", pods_of(tenant, bridge)}};
    arrows.push_back(to(json::array({pods}), json::array({tcp(port_of(bridge))})));
  }
}

/// `role` is nothing for the main process. Other servers are called by any of them: who takes a
/// join asks for keys, who has the files fetches theirs. Where there are none, pushers wake phones
/// all the same, and files may be in a bucket somewhere.
Manifest synapse_policy(const Tenant& tenant, const json& pods, const std::string& name,
                        std::optional<api::WorkerRole> role) {
  using api::WorkerRole;
  const bool has_media = role ? role == WorkerRole::media : !has_media_worker(tenant);
  const bool has_routes = !role || (role != WorkerRole::persister && role != WorkerRole::pusher &&
                                    role != WorkerRole::sender);
  const bool calls_out =
      !role || role == WorkerRole::pusher || federates(tenant) || (has_media && has_bucket(tenant));
  json egress = json::array({database_arrow(tenant), name_service()});
  if (calls_out) egress.push_back(world_outside(tenant));
  reach_what_is_brought(egress, tenant.spec, !role && !has_mas(tenant), has_media);
  const json mas = {{"podSelector", pods_of(tenant, "mas")}};
  // Whose a request is, each asks by itself.
  if (has_mas(tenant) && has_routes) {
    egress.push_back(to(json::array({mas}), json::array({tcp(kMasPort)})));
  }
  reach_other_processes(tenant, egress);
  if (!role) reach_bridges(tenant, egress);
  json ingress = json::array();
  json callers = json::array({{{"podSelector", pods_of(tenant, "gateway")}}});
  if (!role) callers.push_back(asking_operator(tenant));
  if (!role && has_mas(tenant)) callers.push_back(mas);
  if (!role && tenant.has_directory) {
    callers.push_back({{"podSelector", pods_of(tenant, kDirectory)}});
  }
  if (!role && bridges_talk(tenant)) {
    callers.push_back({{"podSelector", pods_of(tenant, kBridge)}});
  }
  if (has_routes) ingress.push_back(from(callers, json::array({tcp(kHomeserverPort)})));
  if (has_workers(tenant) && (!role || writes_streams(*role))) {
    ingress.push_back(from(processes_of_homeserver(tenant), json::array({tcp(kReplicationPort)})));
  }
  if (has_bucket(tenant) && has_media) {
    ingress.push_back(
        from(json::array({asking_operator(tenant)}), json::array({tcp(kBucketPort)})));
  }
  let_prometheus_in(tenant, kMetricsPort, ingress);
  Manifest result = policy(tenant, "homeserver", name, ingress, egress);
  result["spec"]["podSelector"] = pods;
  return result;
}

Manifests worker_policies(const Tenant& tenant) {
  Manifests policies;
  for (const WorkerSet& set : worker_sets(tenant)) {
    policies.push_back(synapse_policy(tenant, pods_of(tenant, set), set.name, set.role));
  }
  if (!has_workers(tenant)) return policies;
  const json clients = processes_of_homeserver(tenant);
  policies.push_back(policy(tenant, "redis", redis_name(tenant),
                            json::array({from(clients, json::array({tcp(kRedisPort)}))}),
                            json::array()));
  return policies;
}

Manifest web_policy(const Tenant& tenant) {
  const json gateway = {{"podSelector", pods_of(tenant, "gateway")}};
  return policy(tenant, "web", web_name(tenant),
                json::array({from(json::array({gateway}), json::array({tcp(kWebPort)}))}),
                json::array());
}

/// Its network, and nothing else of the world.
Manifest bridge_policy(const Tenant& tenant, const api::Bridge& bridge) {
  const json homeserver = {{"podSelector", pods_of(tenant, "homeserver")}};
  json where = json::array();
  for (const std::string& network : bridge.networks) {
    where.push_back(addresses(network, json::array()));
  }
  json ports = json::array();
  for (const int number : network_ports(bridge)) ports.push_back(tcp(number));
  const json gateway = {{"podSelector", pods_of(tenant, "gateway")}};
  // Both ways, for it goes on by the former one while the company gets its first workers.
  json egress =
      json::array({to(json::array({homeserver}), json::array({tcp(kHomeserverPort)})),
                   to(json::array({gateway}), json::array({tcp(kGatewayBridgesPort)})),
                   name_service(), to(where.empty() ? public_addresses() : where, ports)});
  if (has_database(bridge)) egress.push_back(database_arrow(tenant));
  json ingress =
      json::array({from(json::array({homeserver}), json::array({tcp(port_of(bridge))}))});
  if (is_hookshot(bridge)) {
    ingress.push_back(from(json::array({gateway}), json::array({tcp(kWebhooksPort)})));
    let_prometheus_in(tenant, kHookshotMetricsPort, ingress);
  }
  Manifest result = policy(tenant, kBridge, bridge_name(tenant, bridge), ingress, egress);
  result["spec"]["podSelector"] = pods_of(tenant, bridge);
  return result;
}

Manifest mas_policy(const Tenant& tenant) {
  const json gateway = {{"podSelector", pods_of(tenant, "gateway")}};
  const json homeserver = {{"podSelector", pods_of(tenant, "homeserver")}};
  json clients = processes_of_homeserver(tenant);
  clients.push_back(gateway);
  json ingress = json::array(
      {from(clients, json::array({tcp(kMasPort)})),
       from(json::array({asking_operator(tenant)}), json::array({tcp(kMasAdminPort)}))});
  let_prometheus_in(tenant, kMasMetricsPort, ingress);
  json egress = json::array({database_arrow(tenant), name_service(),
                             to(json::array({homeserver}), json::array({tcp(kHomeserverPort)}))});
  for (const api::OidcProvider& provider : tenant.spec.authentication.oidc) {
    egress.push_back(arrow_to(provider.issuer, provider.networks));
  }
  return policy(tenant, "mas", mas_name(tenant), ingress, egress);
}

Manifest gateway_policy(const Tenant& tenant) {
  json ports = json::array({tcp(kGatewayPort)});
  // A controller's proxy may run anywhere, also on its node's own network: it has no label to name.
  if (is_behind_proxy(tenant)) ports.push_back(tcp(kGatewayPlainPort));
  json ingress = json::array({{{"ports", ports}}});
  if (has_door_for_bridges(tenant)) {
    const json bridges = {{"podSelector", pods_of(tenant, kBridge)}};
    ingress.push_back(from(json::array({bridges}), json::array({tcp(kGatewayBridgesPort)})));
  }
  let_prometheus_in(tenant, kGatewayMetricsPort, ingress);
  json egress = json::array(
      {to(processes_of_homeserver(tenant), json::array({tcp(kHomeserverPort)})), name_service()});
  if (has_web(tenant)) egress.push_back(arrow_to_pods(tenant, "web", kWebPort));
  if (has_mas(tenant)) egress.push_back(arrow_to_pods(tenant, "mas", kMasPort));
  if (has_calls(tenant)) egress.push_back(arrow_to_pods(tenant, kLiveKit, kLiveKitPort));
  if (has_group_calls(tenant)) egress.push_back(arrow_to_pods(tenant, kLkJwt, kLkJwtPort));
  for (const api::Bridge& bridge : live_bridges(tenant)) {
    if (!is_hookshot(bridge)) continue;
    egress.push_back(to(json::array({{{"podSelector", pods_of(tenant, bridge)}}}),
                        json::array({tcp(kWebhooksPort)})));
  }
  return policy(tenant, "gateway", gateway_name(tenant), ingress, egress);
}

/// Media come from anywhere. LiveKit answers whoever has written to it and begins nothing itself;
/// coturn passes on to the whole world, and inside itself from one who is relayed to another.
Manifests calls_policies(const Tenant& tenant) {
  if (!has_calls(tenant)) return {};
  const CallsSeen& seen = tenant.calls;
  const auto from_gateway = [&](int number) {
    return from(json::array({{{"podSelector", pods_of(tenant, "gateway")}}}),
                json::array({tcp(number)}));
  };
  json media = json::array({from_gateway(kLiveKitPort)});
  if (seen.udp_port && seen.tcp_port) {
    media.push_back({{"ports", json::array({udp(*seen.udp_port), tcp(*seen.tcp_port)})}});
  }
  let_prometheus_in(tenant, kLiveKitMetricsPort, media);
  const json outside = to(public_addresses(), json::array({{{"protocol", "UDP"}}}));
  json news = json::array();
  if (has_group_calls(tenant)) {
    news = json::array({arrow_to_pods(tenant, kLkJwt, kLkJwtPort), name_service()});
  }
  Manifests policies{
      policy(tenant, kLiveKit, livekit_name(tenant), media, news),
      policy(tenant, kTurn, turn_name(tenant),
             json::array({{{"ports", json::array({udp(kTurnPort), tcp(kTurnPort)})}}}),
             json::array({outside}))};
  if (!has_group_calls(tenant)) return policies;
  json callers = json::array({from_gateway(kLkJwtPort)});
  callers.push_back(from(json::array({{{"podSelector", pods_of(tenant, kLiveKit)}}}),
                         json::array({tcp(kLkJwtPort)})));
  json egress = json::array({arrow_to_pods(tenant, "gateway", kGatewayPort), name_service()});
  if (federates(tenant)) egress.push_back(world_outside(tenant));
  policies.push_back(policy(tenant, kLkJwt, lk_jwt_name(tenant), callers, egress));
  return policies;
}

}  // namespace

Manifests network(const Tenant& tenant) {
  if (!tenant.spec.network_policies) return {};
  const Manifest homeserver =
      synapse_policy(tenant, pods_of(tenant, "homeserver"), homeserver_name(tenant), std::nullopt);
  Manifests policies{database_check_policy(tenant), homeserver, gateway_policy(tenant)};
  for (Manifest& one : worker_policies(tenant)) policies.push_back(std::move(one));
  if (!has_external_database(tenant)) policies.push_back(database_policy(tenant));
  if (has_cloudnative_pg_database(tenant)) policies.push_back(database_cluster_policy(tenant));
  if (has_web(tenant)) policies.push_back(web_policy(tenant));
  if (has_mas(tenant)) policies.push_back(mas_policy(tenant));
  for (const api::Bridge& bridge : live_bridges(tenant)) {
    policies.push_back(bridge_policy(tenant, bridge));
  }
  for (Manifest& one : calls_policies(tenant)) policies.push_back(std::move(one));
  if (has_backup(tenant)) {
    policies.push_back(backup_policy(tenant));
    policies.push_back(drill_policy(tenant));
  }
  if (tenant.has_directory) policies.push_back(policy_of_runs(tenant));
  return policies;
}

}  // namespace alphorn::manifests
