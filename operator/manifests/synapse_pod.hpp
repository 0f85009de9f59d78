#pragma once

#include "manifests/tenant.hpp"

/// The pod of a process of Synapse: the main one's, or a worker's.
namespace alphorn::manifests {

/// In what the pods of one process differ from those of another.
struct SynapseProcess {
  std::string module;        ///< synapse.app.homeserver
  json resources;            ///< core/v1 ResourceRequirements
  bool has_media = true;     ///< the volume of uploaded files is its, and the watch over the bucket
  bool hears_others = true;  ///< it has a replication listener, where there are workers
  /// A file of the ConfigMap of workers that adds to the configuration; "" for the main process.
  std::string worker_file = {};
};

/// The ConfigMap that all of them read.
json homeserver_files(const Tenant& tenant);

/// Annotations of the pods: what is new in them rolls the pods.
json synapse_annotations(const Tenant& tenant);

json synapse_pod(const Tenant& tenant, const SynapseProcess& process);

}  // namespace alphorn::manifests
