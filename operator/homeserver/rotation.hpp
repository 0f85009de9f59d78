#pragma once

#include <map>
#include <string>

#include "homeserver/plan.hpp"

/// Keys that are drawn anew because somebody asked for it: an annotation alphorn.dev/rotate-WHAT of
/// the resource, whose value is remembered on the Secret once it is done. Pure.
namespace alphorn::homeserver {

/// Annotations of the Secret with the homeserver's keys: the value by which WHAT was last rotated,
/// and the public parts of former signing keys as Synapse's old_signing_keys wants them.
inline constexpr const char* kRotatedPrefix = "alphorn.dev/rotated-";
inline constexpr const char* kOldSigningKeys = "alphorn.dev/old-signing-keys";

/// What can be rotated in the homeserver's keys -> its entry of that Secret.
const std::map<std::string, std::string>& rotatable();

/// Of a resource's wishes those about the homeserver's keys: WHAT -> value.
std::map<std::string, std::string> wanted_rotations(const World& world);

/// Those of them that were not carried out yet.
std::map<std::string, std::string> pending_rotations(const World& world);

/// The pending ones when it is time: the new keys come into effect with a restart, so the
/// homeserver must be well, or asleep.
std::map<std::string, std::string> due_rotations(const World& world);

/// What to say about rotations that wait or that nobody knows; "Ready" when there is nothing to
/// say.
Readiness rotation_note(const World& world);

}  // namespace alphorn::homeserver
