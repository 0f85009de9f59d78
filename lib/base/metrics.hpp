#pragma once

#include <prometheus/registry.h>

#include <memory>

namespace alphorn {

/// The process's metrics: every library registers its families here, /metrics serves them.
/// Lives as long as the process. Thread-safe.
const std::shared_ptr<prometheus::Registry>& metrics();

}  // namespace alphorn
