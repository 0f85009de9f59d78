#pragma once

#include <optional>
#include <string>

#include "base/secret.hpp"

namespace alphorn::homeserver {

/// How many people are logged in by a bridge of the mautrix family, as the bridge's own database
/// has it: the bridge tells each person of themselves alone. Asked as the bridge, in a connection
/// that is over with the answer. Nothing when nobody answers within some seconds, or the bridge has
/// made no tables yet. Thread-safe.
std::optional<int> count_logins(const std::string& host, int port, const std::string& role,
                                const Secret& password);

}  // namespace alphorn::homeserver
