#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.hpp"
#include "kube/kind.hpp"

namespace alphorn::controller {

/// Work still to do, keyed by object. A key is never given to two workers at once; keys added while
/// being worked on are handed out once again afterwards; duplicates collapse. Thread-safe.
class WorkQueue {
 public:
  /// `name` labels the metrics (workqueue_*).
  explicit WorkQueue(std::string name, const Clock& clock = steady_clock());
  ~WorkQueue();

  /// Low priority (first list, resync) waits behind normal work, but gets one turn in 32 so
  /// that it never starves. Adding a waiting key with normal priority lifts it.
  enum class Priority { low, normal };

  void add(const kube::Key& key, Priority priority = Priority::normal);
  /// Of several delayed adds of one key the earliest counts.
  void add_after(const kube::Key& key, std::chrono::milliseconds delay);
  /// Adds after a delay that doubles with every failure: 5 ms .. 1000 s.
  void add_rate_limited(const kube::Key& key);
  /// Forgets the failures of a key.
  void forget(const kube::Key& key);

  /// Blocks for the next key; nothing when stop was requested. The caller owes a done(). Delayed
  /// adds of that key are forgotten: whoever is woken looks at everything, and says anew when to
  /// look again.
  std::optional<kube::Key> take(std::stop_token stop);
  /// take() without blocking.
  std::optional<kube::Key> try_take();
  void done(const kube::Key& key);

  /// Keys that wait for a worker now; neither delayed ones nor those being worked on.
  std::size_t size() const;
  /// Failures of a key since it was last forgotten.
  int failures(const kube::Key& key) const;
  /// Sets the metrics about passes under way, which only time moves.
  void publish_ages();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace alphorn::controller
