#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace alphorn {

/// Wall-clock time: what conditions, certificates and events show.
using TimePoint = std::chrono::system_clock::time_point;

/// Seconds precision, UTC: "2026-11-22T13:45:00Z", as Kubernetes writes metav1.Time.
std::string format_time(TimePoint time);

/// With six digits of fraction: "2026-11-22T13:45:00.000000Z", as metav1.MicroTime (leases,
/// events).
std::string format_micro_time(TimePoint time);

/// RFC 3339 with "Z" or a numeric offset, with or without a fraction; nothing when it is not that.
std::optional<TimePoint> parse_time(std::string_view text);

/// Monotonic time for queues, back-off and leases. Real code uses steady_clock(); tests step
/// theirs. Thread-safe.
class Clock {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

/// The process's monotonic clock; lives for ever.
const Clock& steady_clock();

/// The same, but it goes on while the machine is suspended (CLOCK_BOOTTIME): for what others judge
/// by their own clocks meanwhile. Its instants must not be compared with those of another clock.
const Clock& boot_clock();

}  // namespace alphorn
