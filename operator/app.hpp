#pragma once

#include "options.hpp"

namespace alphorn {

/// Runs the operator until SIGTERM or SIGINT. Returns the process's exit code: 0 after a clean stop,
/// 1 when the caches did not fill in time or leadership was lost. Throws on anything it cannot start
/// without (no cluster, unreadable catalogue).
int run_operator(const Options& options);

}  // namespace alphorn
