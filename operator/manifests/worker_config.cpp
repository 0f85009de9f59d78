#include <algorithm>
#include <numeric>

#include "manifests/homeserver_config.hpp"
#include "manifests/media.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"

namespace alphorn::manifests {
namespace {

using api::WorkerRole;

constexpr const char* kKeys = "/keys/workers";
constexpr int kWorkerConnections = 5;
/// Of programs that are no Synapse: checks, roles, metrics, a person who looks.
constexpr int kOtherConnections = 10;
/// A server that takes another number has to restart: that is for large changes alone.
constexpr int kConnectionStep = 100;
/// Of Matrix Authentication Service, while one makes place for another.
constexpr int kMasConnections = 20;

/// Streams that have one writer; the events have several, each for its share of the rooms.
constexpr const char* kSmallStreams[] = {"typing",   "to_device",  "account_data", "receipts",
                                         "presence", "push_rules", "device_lists"};

json names_of(const WorkerSet& set) {
  json names = json::array();
  for (int index = 0; index < set.count; ++index) names.push_back(set.pod(index));
  return names;
}

/// The resources that a role's processes serve.
json resources_of(const Tenant& tenant, WorkerRole role) {
  switch (role) {
    case WorkerRole::sync:
    case WorkerRole::client:
    case WorkerRole::creator:
    case WorkerRole::writer:
      return json::array({"client"});
    case WorkerRole::media:
      return json::array({"media"});
    case WorkerRole::federation:
      return federates(tenant) ? json::array({"federation"}) : json::array({"health"});
    case WorkerRole::persister:
    case WorkerRole::pusher:
    case WorkerRole::sender:
      break;
  }
  return json::array({"health"});
}

/// Who is who, and who writes what.
json layout(const Tenant& tenant) {
  json instances = {{"main", {{"host", homeserver_name(tenant)}, {"port", kReplicationPort}}}};
  json writers = json::object();
  json result = json::object();
  for (const WorkerSet& set : worker_sets(tenant)) {
    for (int index = 0; writes_streams(set.role) && index < set.count; ++index) {
      const std::string host = set.pod(index) + "." + set.name + "." + tenant.ns + ".svc";
      instances[set.pod(index)] = {{"host", host}, {"port", kReplicationPort}};
    }
    if (set.role == WorkerRole::persister) writers["events"] = names_of(set);
    if (set.role == WorkerRole::media) {
      writers["quarantined_media_changes"] = names_of(set);
      result["enable_media_repo"] = false;
    }
    if (set.role == WorkerRole::writer) {
      for (const char* stream : kSmallStreams) writers[stream] = names_of(set);
    }
    if (set.role == WorkerRole::pusher) result["pusher_instances"] = names_of(set);
    if (set.role == WorkerRole::sender) result["federation_sender_instances"] = names_of(set);
  }
  result["instance_map"] = instances;
  if (!writers.empty()) result["stream_writers"] = writers;
  return result;
}

json http_listener(int port, const json& names) {
  return {{"port", port},
          {"type", "http"},
          {"tls", false},
          {"bind_addresses", json::array({"0.0.0.0"})},
          {"resources", json::array({{{"names", names}, {"compress", false}}})}};
}

}  // namespace

bool has_workers(const Tenant& tenant) { return !worker_sets(tenant).empty(); }

std::vector<WorkerSet> worker_sets(const Tenant& tenant) {
  std::vector<WorkerSet> sets;
  for (const auto& [role, count] : tenant.spec.workers.counts) {
    if (count > 0) sets.push_back({role, count, tenant.name + "-" + api::name_of(role)});
  }
  return sets;
}

bool has_media_worker(const Tenant& tenant) {
  const auto found = tenant.spec.workers.counts.find(WorkerRole::media);
  return found != tenant.spec.workers.counts.end() && found->second > 0;
}

bool writes_streams(WorkerRole role) {
  return role == WorkerRole::persister || role == WorkerRole::writer || role == WorkerRole::media;
}

json shared_worker_config(const Tenant& tenant) {
  json result = layout(tenant);
  result["redis"] = {{"enabled", true},
                     {"host", redis_name(tenant)},
                     {"port", kRedisPort},
                     {"password_path", std::string{kKeys} + "/" + kRedisPassword}};
  result["worker_replication_secret_path"] = std::string{kKeys} + "/" + kReplicationSecret;
  return result;
}

json worker_config(const Tenant& tenant, WorkerRole role) {
  json clients = http_listener(kHomeserverPort, resources_of(tenant, role));
  clients["x_forwarded"] = true;
  json listeners = json::array({clients, metrics_listener()});
  if (writes_streams(role)) listeners.push_back(replication_listener());
  json result = {{"worker_app", "synapse.app.generic_worker"},
                 {"worker_name", {{"$env", "POD_NAME"}}},
                 {"worker_log_config", "/etc/homeserver/log.yaml"},
                 {"worker_listeners", listeners},
                 {"database", database_config(kWorkerConnections)}};
  if (role == WorkerRole::media) {
    result["enable_media_repo"] = true;
    result["media_instance_running_background_jobs"] = {{"$env", "POD_NAME"}};
    if (has_bucket(tenant)) result.update(bucket_config(tenant));
  }
  return result;
}

std::string layout_of(const Tenant& tenant) {
  return has_workers(tenant) ? fingerprint_of(layout(tenant)) : "";
}

json replication_listener() {
  return http_listener(kReplicationPort, json::array({"replication"}));
}

json metrics_listener() {
  return {
      {"port", kMetricsPort}, {"type", "metrics"}, {"bind_addresses", json::array({"0.0.0.0"})}};
}

int database_connections(const Tenant& tenant) {
  const std::vector<WorkerSet> sets = worker_sets(tenant);
  const int wanted = std::accumulate(sets.begin(), sets.end(), 0,
                                     [](int sum, const WorkerSet& set) { return sum + set.count; });
  const int processes = std::max(wanted, tenant.workers_seen);
  const int needed = kMainConnections + processes * kWorkerConnections + kOtherConnections +
                     (has_mas(tenant) ? kMasConnections : 0);
  return (needed + kConnectionStep - 1) / kConnectionStep * kConnectionStep;
}

json worker_keys_volume(const Tenant& tenant) {
  return secret_volume("worker-keys", worker_keys(tenant));
}

json worker_keys_mount() { return read_only_mount("worker-keys", kKeys); }

}  // namespace alphorn::manifests
