#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "controller/informer.hpp"
#include "controller/work_queue.hpp"

namespace alphorn::controller {

/// What a reconcile pass asks for next. Failures are exceptions, not outcomes.
class Outcome {
 public:
  static Outcome done() { return Outcome{std::nullopt}; }
  static Outcome again_in(std::chrono::milliseconds delay) { return Outcome{delay}; }
  std::optional<std::chrono::milliseconds> delay() const { return delay_; }

 private:
  explicit Outcome(std::optional<std::chrono::milliseconds> delay) : delay_(delay) {}
  std::optional<std::chrono::milliseconds> delay_;
};

using Reconcile = std::function<Outcome(const kube::Key& key, std::stop_token stop)>;

/// A failure that trying again cannot heal: it is logged and counted, and the key waits for its
/// next change instead of a back-off.
class TerminalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs `workers` threads that take keys and reconcile them. An exception is logged, counted
/// (controller_runtime_reconcile_errors_total) and backed off; it never ends the process. A write
/// that lost against a newer version (409 Conflict) is tried again without counting as an error.
class Controller {
 public:
  struct Options {
    std::string name;
    int workers = 4;
    /// A pass that takes longer sees a stop request.
    std::chrono::seconds timeout{300};
    /// How long stop() lets the passes under way go on before they see a stop request.
    std::chrono::seconds drain{10};
  };
  Controller(Options options, Reconcile reconcile);
  ~Controller();

  WorkQueue& queue() { return queue_; }
  /// Starts the workers. Call it once the informers are synced.
  void start();
  /// Takes no new key, waits for the passes under way (after `drain` they see the stop token),
  /// joins.
  void stop();

 private:
  struct Passes;

  void work(std::stop_token stop);
  void pass(const kube::Key& key, const std::stop_token& stopping);
  void watch_over(std::stop_token stop);

  Options options_;
  Reconcile reconcile_;
  WorkQueue queue_;
  std::unique_ptr<Passes> passes_;
  std::vector<std::jthread> workers_;
  std::jthread watchdog_;
};

/// Blocks until `unsynced` returns "", which else names whom it waits for and is said every ten
/// seconds; false when stop was requested or the time is over.
bool wait_until_synced(const std::function<std::string()>& unsynced, std::chrono::seconds limit,
                       std::stop_token stop);

/// The same, until all of these are synced.
bool wait_until_synced(const std::vector<const Informer*>& informers, std::chrono::seconds limit,
                       std::stop_token stop);

/// Blocks until stop is requested: what main does while the threads work.
void wait_until_stopped(std::stop_token stop);

}  // namespace alphorn::controller
