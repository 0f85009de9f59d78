#pragma once

#include <string>

#include "base/secret.hpp"

/// The key that signs a server's events, as Synapse keeps it (signedjson): algorithm, id, unpadded
/// base64 of the Ed25519 seed: "ed25519 a_1b2c <seed>".
namespace alphorn::homeserver {

Secret draw_signing_key();

/// "ed25519:a_1b2c"; "" when the text is no such key.
std::string signing_key_id(const std::string& key);

/// The part that others check signatures with, in unpadded base64. Throws std::runtime_error when
/// the key is none.
std::string public_part_of(const Secret& key);

}  // namespace alphorn::homeserver
