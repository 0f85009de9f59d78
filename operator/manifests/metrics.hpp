#pragma once

#include "manifests/tenant.hpp"

/// What tells Prometheus of programs that do not do it themselves: a container beside each. None
/// has a readiness probe: who only counts must not take away from people what is counted.
namespace alphorn::manifests {

/// Reads PostgreSQL's statistics through the socket in the volume `sockets`, mounted at
/// `socket_folder`. It runs as another user than the server, by which pg_hba.conf tells it from the
/// superuser.
json database_exporter(const Tenant& tenant, const std::string& socket_folder);

/// Reads nginx' own counters from the loopback interface; see gateway_status().
json gateway_exporter(const Tenant& tenant);

/// The server of nginx that tells its counters, to who is in the pod alone.
std::string gateway_status();

}  // namespace alphorn::manifests
