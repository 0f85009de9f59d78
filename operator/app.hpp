#pragma once

#include <functional>
#include <memory>

#include "homeserver/cache.hpp"
#include "homeserver/servers.hpp"
#include "options.hpp"

namespace alphorn {

/// Makes the way to the tenants' own programs. The cache outlives what is made.
using MakeServers =
    std::function<std::unique_ptr<homeserver::Servers>(const homeserver::Cache& cache)>;

/// Runs the operator until SIGTERM or SIGINT. Returns the process's exit code: 0 after a clean
/// stop, 1 when the caches did not fill in time or leadership was lost. Throws on anything it
/// cannot start without (no cluster, unreadable catalogue).
int run_operator(const Options& options);

/// The same, with other servers than those of a cluster: a benchmark has no pods to ask.
int run_operator(const Options& options, MakeServers make_servers);

}  // namespace alphorn
