#include "manifests/workers.hpp"

#include "manifests/synapse_pod.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

using api::WorkerRole;

constexpr const char* kConfigOfRole = "alphorn.dev/worker-config";

std::string file_of(const WorkerSet& set) { return api::name_of(set.role) + ".yaml"; }

json selector_of(const Tenant& tenant, const WorkerSet& set) {
  json result = selector(tenant, kWorker);
  result[kWorkerRole] = api::name_of(set.role);
  return result;
}

json set_metadata(const Tenant& tenant, const WorkerSet& set) {
  json result = metadata(tenant, kWorker, set.name);
  result["labels"][kWorkerRole] = api::name_of(set.role);
  return result;
}

/// By it each process has a name of its own. Those that start are found too: they talk to one
/// another before they are ready.
Manifest service(const Tenant& tenant, const WorkerSet& set) {
  json ports = json::array({{{"name", "http"}, {"port", kHomeserverPort}, {"targetPort", "http"}}});
  if (writes_streams(set.role)) {
    ports.push_back(
        {{"name", "replication"}, {"port", kReplicationPort}, {"targetPort", "replication"}});
  }
  if (set.role == WorkerRole::media && has_bucket(tenant)) {
    ports.push_back({{"name", "bucket"}, {"port", kBucketPort}, {"targetPort", "bucket"}});
  }
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", set_metadata(tenant, set)},
          {"spec",
           {{"clusterIP", "None"},
            {"publishNotReadyAddresses", true},
            {"selector", selector_of(tenant, set)},
            {"ports", ports}}}};
}

/// On different nodes and in different zones, where there are some.
json spread(const Tenant& tenant, const WorkerSet& set) {
  json result = json::array();
  for (const char* key : {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}) {
    result.push_back({{"maxSkew", 1},
                      {"topologyKey", key},
                      {"whenUnsatisfiable", "ScheduleAnyway"},
                      {"labelSelector", {{"matchLabels", selector_of(tenant, set)}}}});
  }
  return result;
}

json pod_template(const Tenant& tenant, const WorkerSet& set, const std::string& layout) {
  json pod = synapse_pod(tenant, {.module = "synapse.app.generic_worker",
                                  .resources = tenant.spec.workers.resources,
                                  .has_media = set.role == WorkerRole::media,
                                  .hears_others = writes_streams(set.role),
                                  .worker_file = file_of(set)});
  if (set.count > 1) pod["topologySpreadConstraints"] = spread(tenant, set);
  json annotations = synapse_annotations(tenant);
  annotations[kConfigOfRole] = fingerprint_of(worker_config(tenant, set.role));
  json result = {{"metadata", pod_metadata(tenant, kWorker, annotations)}, {"spec", pod}};
  result["metadata"]["labels"][kWorkerRole] = api::name_of(set.role);
  result["metadata"]["labels"][kWorkerLayout] = layout;
  return result;
}

Manifest stateful_set(const Tenant& tenant, const WorkerSet& set, const std::string& layout) {
  Manifest result = {{"apiVersion", "apps/v1"},
                     {"kind", "StatefulSet"},
                     {"metadata", set_metadata(tenant, set)},
                     {"spec",
                      {{"replicas", tenant.spec.hibernated ? 0 : set.count},
                       {"serviceName", set.name},
                       {"podManagementPolicy", "Parallel"},
                       {"selector", {{"matchLabels", selector_of(tenant, set)}}},
                       {"template", pod_template(tenant, set, layout)}}}};
  result["metadata"]["labels"][kWorkerLayout] = layout;
  return result;
}

/// Of several, one at a time. One alone would stand in the way of whoever empties a node, for ever.
Manifest disruption_budget(const Tenant& tenant, const WorkerSet& set) {
  return {
      {"apiVersion", "policy/v1"},
      {"kind", "PodDisruptionBudget"},
      {"metadata", set_metadata(tenant, set)},
      {"spec", {{"maxUnavailable", 1}, {"selector", {{"matchLabels", selector_of(tenant, set)}}}}}};
}

}  // namespace

Manifests workers(const Tenant& tenant) {
  if (!has_workers(tenant)) return {};
  const std::string layout = layout_of(tenant);
  json files = json::object();
  Manifests result;
  for (const WorkerSet& set : worker_sets(tenant)) {
    files[file_of(set)] = to_yaml(worker_config(tenant, set.role));
    result.push_back(service(tenant, set));
    result.push_back(stateful_set(tenant, set, layout));
    if (set.count > 1) result.push_back(disruption_budget(tenant, set));
  }
  result.insert(result.begin(), config_map(tenant, kWorker, workers_config_map(tenant), files));
  return result;
}

}  // namespace alphorn::manifests
