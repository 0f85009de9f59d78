#pragma once

#include "homeserver/components.hpp"

/// Synapse's processes beside the main one, as they are seen. All are pure.
namespace alphorn::homeserver {

/// It is a worker, a set of them, or what else is labelled so.
bool is_worker(const json& object);

Readiness redis_ready(const World& world);
Readiness workers_ready(const World& world);

std::vector<std::string> worker_workloads(const manifests::Tenant& tenant);

/// A set of workers, or a pod of one, that belongs to another layout than the one that is wanted:
/// it may write what somebody else is about to write.
bool is_former_worker(const World& world, const json& object);

/// Why the main process must wait: processes of a former layout are not gone yet. They must be
/// before anybody writes their streams; nothing when they are.
std::optional<Readiness> former_workers(const World& world);

/// No pod of theirs is left, and none is wanted.
bool workers_are_gone(const World& world);

/// All that the watch over the bucket runs beside is rolled out.
bool media_rolled_out(const World& world);

}  // namespace alphorn::homeserver
