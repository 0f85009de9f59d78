#pragma once

#include <chrono>
#include <functional>

#include "base/clock.hpp"

namespace alphorn::kube {

/// A number drawn uniformly from [0, 1). Thread-safe.
double random_fraction();

/// Waiting times that double: 0.8 s up to 30 s, each stretched by up to its own length at random so
/// that clients do not come back in step. Two minutes without asking make it start anew.
/// For one thread.
class Backoff {
 public:
  explicit Backoff(const Clock& clock = steady_clock(),
                   std::function<double()> random = random_fraction);

  std::chrono::milliseconds next();
  void reset();

 private:
  const Clock& clock_;
  std::function<double()> random_;
  std::chrono::milliseconds delay_;
  Clock::Instant last_;
};

}  // namespace alphorn::kube
