#pragma once

#include "base/json.hpp"

namespace alphorn::bench {

/// The component table with everything that one tenant with placeholder names wishes for, so that
/// another program can make the same objects for any tenant by putting names in place. Manifests
/// are given as the exact text of which the operator takes its hashes.
json tenant_template();

}  // namespace alphorn::bench
