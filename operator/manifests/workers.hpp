#pragma once

#include "manifests/tenant.hpp"

/// Synapse's processes beside the main one (docs/size.md): which there are, what they are called,
/// and what they are told of one another. Nothing here is to be asked for a tenant without any but
/// has_workers() and what counts them.
namespace alphorn::manifests {

/// The processes of one role: a StatefulSet, whose pods have stable names, and a Service by which
/// each is reached.
struct WorkerSet {
  api::WorkerRole role;
  int count = 0;
  std::string name;  ///< acme-sync
  std::string pod(int index) const { return name + "-" + std::to_string(index); }
};

/// Those that have at least one process, in the schema's order.
std::vector<WorkerSet> worker_sets(const Tenant& tenant);

/// On the pods: which role they have.
inline constexpr const char* kWorkerRole = "alphorn.dev/worker";
/// On the sets and their pods: which layout they belong to, see layout_of().
inline constexpr const char* kWorkerLayout = "alphorn.dev/worker-layout";
/// On the pods of all who know them: the Secret that they know one another by.
inline constexpr const char* kWorkerKeysSeen = "alphorn.dev/worker-keys";
/// The component label of all of them.
inline constexpr const char* kWorker = "worker";

/// Its process writes streams for others, who reach it by its replication listener.
bool writes_streams(api::WorkerRole role);

/// What every process, the main one included, is told: Redis, who writes what, who sends. One in
/// whom another is configured would write the same streams at the same time.
json shared_worker_config(const Tenant& tenant);

/// What the processes of one role are told besides. {"$env": NAME} stands for a variable of the
/// pod.
json worker_config(const Tenant& tenant, api::WorkerRole role);

/// Stands for who writes which stream. Synapse wants all processes stopped before that changes
/// (docs/workers.md of Synapse, "Stream writers"). "" without workers.
std::string layout_of(const Tenant& tenant);

/// The listeners of other processes and of Prometheus.
json replication_listener();
json metrics_listener();

/// What to let PostgreSQL have: every process keeps connections of its own.
int database_connections(const Tenant& tenant);
/// What it has unless it is told otherwise.
inline constexpr int kUsualConnections = 100;

/// Where the replication secret and the password of Redis are mounted.
json worker_keys_volume(const Tenant& tenant);
json worker_keys_mount();

/// The gateway's files that lead requests to workers; none without workers.
json worker_routes(const Tenant& tenant);  // worker_routes.cpp

}  // namespace alphorn::manifests
