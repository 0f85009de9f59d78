#pragma once

#include "homeserver/components.hpp"

/// Synapse's processes beside the main one, as they are seen. All are pure.
namespace alphorn::homeserver {

/// It is a worker, a set of them, or what else is labelled so.
bool is_worker(const json& object);

Readiness redis_ready(const World& world);
Readiness workers_ready(const World& world);

std::vector<std::string> worker_workloads(const manifests::Tenant& tenant);

/// What manifests depend on: the Secret of the processes, and how many of them there are.
void observe_workers(World& world);

/// A set that must go at once: of a former layout; or of those that are wanted no more while the
/// tenant sleeps, for then nothing becomes ready and leftovers would run on.
bool must_stop(const World& world, const json& set);

/// Why the main process must wait: its release knows no workers; or processes of a former layout
/// are not gone yet, as they must be before anybody writes their streams. Nothing when it may go
/// on.
std::optional<Readiness> obstacle_of_workers(const World& world);

/// No pod of theirs is left, and none is wanted.
bool workers_are_gone(const World& world);

/// All that the watch over the bucket runs beside is rolled out.
bool media_rolled_out(const World& world);

}  // namespace alphorn::homeserver
