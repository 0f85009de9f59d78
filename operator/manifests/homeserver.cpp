#include "manifests/synapse_pod.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

Manifest service(const Tenant& tenant) {
  json ports =
      json::array({{{"name", "http"}, {"port", kHomeserverPort}, {"targetPort", "http"}},
                   {{"name", "metrics"}, {"port", kMetricsPort}, {"targetPort", "metrics"}}});
  if (has_workers(tenant)) {
    ports.push_back(
        {{"name", "replication"}, {"port", kReplicationPort}, {"targetPort", "replication"}});
  }
  if (has_bucket(tenant) && !has_media_worker(tenant)) {
    ports.push_back({{"name", "bucket"}, {"port", kBucketPort}, {"targetPort", "bucket"}});
  }
  return {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", metadata(tenant, "homeserver", homeserver_name(tenant))},
      {"spec",
       {{"type", "ClusterIP"}, {"selector", selector(tenant, "homeserver")}, {"ports", ports}}}};
}

Manifest stateful_set(const Tenant& tenant) {
  const SynapseProcess process{.module = "synapse.app.homeserver",
                               .resources = tenant.spec.homeserver_resources,
                               .has_media = !has_media_worker(tenant)};
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", metadata(tenant, "homeserver", homeserver_name(tenant))},
          {"spec",
           {{"replicas", tenant.spec.hibernated ? 0 : 1},
            {"serviceName", homeserver_name(tenant)},
            {"selector", {{"matchLabels", selector(tenant, "homeserver")}}},
            {"template",
             {{"metadata", pod_metadata(tenant, "homeserver", synapse_annotations(tenant))},
              {"spec", synapse_pod(tenant, process)}}}}}};
}

}  // namespace

Manifests homeserver(const Tenant& tenant) {
  return {config_map(tenant, "homeserver", homeserver_name(tenant), homeserver_files(tenant)),
          service(tenant), stateful_set(tenant)};
}

}  // namespace alphorn::manifests
