#pragma once

#include "manifests/tenant.hpp"

namespace alphorn::manifests {

/// The gateway's ConfigMap data: nginx's configuration, the well-known documents, the start script.
json gateway_config(const Tenant& tenant);

}  // namespace alphorn::manifests
