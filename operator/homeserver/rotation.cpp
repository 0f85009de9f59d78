#include "homeserver/rotation.hpp"

#include "homeserver/database.hpp"
#include "homeserver/readiness.hpp"

namespace alphorn::homeserver {

const std::map<std::string, Rotatable>& rotatable() {
  static const std::map<std::string, Rotatable> entries{
      {"signing-key", {manifests::homeserver_keys, "signing.key"}},
      {"macaroon-secret", {manifests::homeserver_keys, "macaroon"}},
      {kReplicationRotation, {manifests::worker_keys, manifests::kReplicationSecret}}};
  return entries;
}

std::map<std::string, std::string> wanted_rotations(const World& world) {
  std::map<std::string, std::string> wanted = world.resource.rotations;
  std::erase_if(wanted, [](const auto& wish) { return !rotatable().contains(wish.first); });
  if (!manifests::has_workers(world.tenant)) wanted.erase(kReplicationRotation);
  return wanted;
}

std::map<std::string, std::string> pending_rotations(const World& world) {
  std::map<std::string, std::string> pending = wanted_rotations(world);
  std::erase_if(pending, [&](const auto& wish) {
    const auto done = world.rotated.find(wish.first);
    return done != world.rotated.end() && done->second == wish.second;
  });
  return pending;
}

std::map<std::string, std::string> due_rotations(const World& world) {
  std::map<std::string, std::string> pending = pending_rotations(world);
  if (pending.empty() || world.signing_key_id.empty()) return {};
  const Readiness homeserver = homeserver_ready(world);
  if (!homeserver.ready && homeserver != kHibernated) return {};
  return pending;
}

std::map<std::string, std::string> due_rotations(const World& world, const std::string& secret) {
  std::map<std::string, std::string> due = due_rotations(world);
  std::erase_if(due, [&](const auto& wish) {
    return rotatable().at(wish.first).secret(world.tenant) != secret;
  });
  return due;
}

Readiness rotation_note(const World& world) {
  for (const auto& [what, value] : world.resource.rotations) {
    if (what == kReplicationRotation && !manifests::has_workers(world.tenant)) {
      return {.ready = true,
              .reason = "RotationNotNeeded",
              .message = std::string{"annotation "} + api::kRotatePrefix + what +
                         " does nothing here: a homeserver of one process has no such secret"};
    }
    if (rotatable().contains(what) || what == kDatabasePassword) continue;
    return {.ready = true,
            .reason = "RotationUnknown",
            .message = std::string{"annotation "} + api::kRotatePrefix + what +
                       " names nothing that can be rotated: signing-key, macaroon-secret, "
                       "replication-secret, database-password"};
  }
  for (const auto& [what, value] : pending_rotations(world)) {
    return {.ready = true,
            .reason = "RotationWaiting",
            .message = what + " is rotated once the homeserver is ready"};
  }
  return kReady;
}

}  // namespace alphorn::homeserver
