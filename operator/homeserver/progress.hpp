#pragma once

#include <chrono>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "base/locked.hpp"
#include "kube/kind.hpp"

namespace alphorn::homeserver {

/// Which tenants are under way, and what was done about them that nobody was told yet. A tenant
/// takes a dozen steps within seconds; its status and events tell of them every few seconds, and at
/// once when something goes wrong or is finished. Lost with the process: then the next pass tells.
/// Thread-safe.
class Progress {
 public:
  explicit Progress(const Clock& clock = steady_clock()) : clock_(clock) {}

  /// Something was done: "database: apply StatefulSet acme-database".
  void note(const kube::Key& tenant, const std::string& change);
  /// How long further news of mere progress should wait; zero when they are due.
  std::chrono::milliseconds wait(const kube::Key& tenant) const;
  /// The status was written: what was noted since the last time is returned and forgotten.
  std::string told(const kube::Key& tenant);
  /// The tenant is at rest, or gone.
  void forget(const kube::Key& tenant);

 private:
  struct News {
    Clock::Instant told_at{};
    bool was_told = false;
    std::string changes;
  };

  const Clock& clock_;
  Locked<std::map<kube::Key, News>> news_;
};

}  // namespace alphorn::homeserver
