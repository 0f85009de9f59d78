#pragma once

#include <prometheus/metric_family.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace alphorn::controller {

/// Serves /metrics (Prometheus text), /livez and /readyz over plain HTTP on all interfaces of the
/// pod. Checks return "" when well and otherwise why not (answered with 503). Owns its threads.
class Serving {
 public:
  struct Options {
    int port = 8080;
    std::function<std::string()> live = {};
    std::function<std::string()> ready = {};
    /// Further metrics, made up when somebody asks. Called from several threads.
    std::function<std::vector<prometheus::MetricFamily>()> more_metrics = {};
  };
  /// Throws std::runtime_error that names the port when it cannot listen. Port 0 takes a free one.
  explicit Serving(const Options& options);
  ~Serving();

  int port() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Blocks SIGTERM and SIGINT in the calling thread (and so in those it starts later) and calls
/// `on_signal` once from an own thread when one arrives; a second one ends the process at once.
/// Construct it first thing in main.
class SignalWait {
 public:
  explicit SignalWait(std::function<void()> on_signal);
  ~SignalWait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace alphorn::controller
