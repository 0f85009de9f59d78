#pragma once

#include <chrono>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace alphorn::controller {

/// One candidate's view of a Lease: whether it may be taken, and what to write. No I/O.
/// Whether the holder is gone is judged by when this process saw the lease change, since the clocks
/// of two machines need not agree. For one thread.
class LeaseView {
 public:
  LeaseView(std::string ns, std::string name, std::string identity,
            std::chrono::milliseconds duration);

  /// Notes what the API server holds now.
  void observe(const json& lease, Clock::Instant now);

  /// True when nobody else holds it, or its holder did not renew it for the time it promised.
  bool may_take(Clock::Instant now) const;
  bool held_by_me() const;
  std::string holder() const;

  /// A Lease of which nothing exists yet.
  json fresh(TimePoint now) const;
  /// The observed Lease, taken or renewed; its resourceVersion makes the write conditional.
  json taken(TimePoint now) const;
  /// The observed Lease, given up: another candidate may take it at once.
  json released(TimePoint now) const;

 private:
  json spec(TimePoint now) const;

  std::string ns_;
  std::string name_;
  std::string identity_;
  int duration_seconds_;
  json lease_;
  Clock::Instant changed_at_{};
};

}  // namespace alphorn::controller
