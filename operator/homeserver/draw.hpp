#pragma once

#include "base/secret.hpp"
#include "manifests/tenant.hpp"

namespace alphorn::homeserver {

/// A new value of that kind, from the operating system's generator. Throws std::runtime_error when
/// it cannot deliver.
Secret draw(manifests::SecretRecipe::Draw what);

}  // namespace alphorn::homeserver
