#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.hpp"
#include "kube/client.hpp"

namespace alphorn::controller {

struct LeaderOptions {
  std::string ns;
  std::string name;      ///< of the Lease
  std::string identity;  ///< pod name plus a random part
  std::chrono::milliseconds lease_duration{15000};
  std::chrono::milliseconds renew_deadline{10000};
  std::chrono::milliseconds retry_period{2000};
};

/// One of several replicas leads: the holder of a coordination.k8s.io Lease. Expiry is judged by
/// when this process saw the lease change, not by the holder's clock.
class LeaderElection {
 public:
  LeaderElection(std::shared_ptr<kube::Client> client, LeaderOptions options,
                 const Clock& clock = boot_clock());

  /// Blocks: waits to lead, calls `on_started` (quick: it starts workers), renews until stop is
  /// requested, then calls `on_stopped` (drains; the lease is still renewed) and releases the
  /// lease. Returns false when leadership was lost instead: the caller must end the process at
  /// once, since another may lead already. What `on_started` throws is rethrown after the lease was
  /// released.
  bool run(const std::function<void()>& on_started, const std::function<void()>& on_stopped,
           std::stop_token stop);

  bool leading() const;

  /// True while the lease cannot have been taken by another: for kube::Client::guarded(). A process
  /// that was stopped for a while asks this before it asks whether time went by. What remains is
  /// the moment between the answer and the write.
  bool may_write() const;

  /// For /livez: "" when well; otherwise that this process believes to lead although its lease ran
  /// out more than 20 s ago (it is stuck and must be restarted).
  std::string check() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace alphorn::controller
