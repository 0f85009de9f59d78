#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.hpp"

namespace alphorn::test {

/// Time that moves only when told. Thread-safe.
class FakeClock final : public Clock {
 public:
  Instant now() const override { return Instant{std::chrono::nanoseconds{nanoseconds_.load()}}; }

  void step(std::chrono::nanoseconds time) { nanoseconds_ += time.count(); }

 private:
  std::atomic<std::int64_t> nanoseconds_{std::chrono::nanoseconds{std::chrono::hours{1}}.count()};
};

}  // namespace alphorn::test
