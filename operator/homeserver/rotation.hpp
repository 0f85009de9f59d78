#pragma once

#include <map>
#include <string>

#include "homeserver/plan.hpp"

/// Keys that are drawn anew because somebody asked for it: an annotation alphorn.dev/rotate-WHAT of
/// the resource, whose value is remembered on the Secret once it is done. Pure.
namespace alphorn::homeserver {

/// Annotations of the Secrets with the homeserver's keys: the value by which WHAT was last rotated,
/// and the public parts of former signing keys as Synapse's old_signing_keys wants them.
inline constexpr const char* kRotatedPrefix = "alphorn.dev/rotated-";
inline constexpr const char* kOldSigningKeys = "alphorn.dev/old-signing-keys";

/// WHAT of the secret that the processes of the homeserver know one another by.
inline constexpr const char* kReplicationRotation = "replication-secret";

/// Where a key is that can be rotated.
struct Rotatable {
  std::string (*secret)(const manifests::Tenant&);
  std::string entry;
};

/// WHAT -> where it is.
const std::map<std::string, Rotatable>& rotatable();

/// Of a resource's wishes those about keys that the homeserver has: WHAT -> value.
std::map<std::string, std::string> wanted_rotations(const World& world);

/// Those of them that were not carried out yet.
std::map<std::string, std::string> pending_rotations(const World& world);

/// The pending ones when it is time: the new keys come into effect with a restart, so the
/// homeserver must be well, or asleep.
std::map<std::string, std::string> due_rotations(const World& world);

/// Those of them that one Secret is about.
std::map<std::string, std::string> due_rotations(const World& world, const std::string& secret);

/// What to say about rotations that wait or that nobody knows; "Ready" when there is nothing to
/// say.
Readiness rotation_note(const World& world);

}  // namespace alphorn::homeserver
