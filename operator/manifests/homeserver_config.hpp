#pragma once

#include "manifests/tenant.hpp"

namespace alphorn::manifests {

/// homeserver.yaml as data, without a secret in it: a mapping {"$file": PATH} stands for the
/// content of a file that the pod mounts.
json homeserver_config(const Tenant& tenant);

/// How a process of Synapse reaches the database, with at most so many connections.
json database_config(int connections);

/// Synapse's log configuration: one JSON object a line, to stdout.
json log_config();

}  // namespace alphorn::manifests
