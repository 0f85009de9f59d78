#include "controller/controller.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <list>
#include <mutex>

#include "base/metrics.hpp"
#include "kube/wait.hpp"

namespace alphorn::controller {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kGlance{1000};
constexpr milliseconds kSyncGlance{20};
constexpr milliseconds kSyncWord{10000};

prometheus::Counter& results(const std::string& controller, const char* result) {
  return prometheus::BuildCounter()
      .Name("controller_runtime_reconcile_total")
      .Help("Reconcile passes by result")
      .Register(*metrics())
      .Add({{"controller", controller}, {"result", result}});
}

prometheus::Counter& errors(const std::string& controller) {
  return prometheus::BuildCounter()
      .Name("controller_runtime_reconcile_errors_total")
      .Help("Reconcile passes that failed")
      .Register(*metrics())
      .Add({{"controller", controller}});
}

prometheus::Counter& terminal_errors(const std::string& controller) {
  return prometheus::BuildCounter()
      .Name("controller_runtime_terminal_reconcile_errors_total")
      .Help("Reconcile passes that failed in a way that trying again cannot heal")
      .Register(*metrics())
      .Add({{"controller", controller}});
}

prometheus::Gauge& gauge(const char* name, const char* help, const std::string& controller) {
  return prometheus::BuildGauge()
      .Name(name)
      .Help(help)
      .Register(*metrics())
      .Add({{"controller", controller}});
}

prometheus::Histogram& times(const std::string& controller) {
  return prometheus::BuildHistogram()
      .Name("controller_runtime_reconcile_time_seconds")
      .Help("How long a reconcile pass took")
      .Register(*metrics())
      .Add({{"controller", controller}},
           prometheus::Histogram::BucketBoundaries{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
                                                   5, 10, 30, 60, 300});
}

}  // namespace

/// The passes under way, each with its own way to be stopped, and what is counted about them.
struct Controller::Passes {
  struct Pass {
    kube::Key key;
    Clock::Instant since;
    std::stop_source stop;
    bool timed_out = false;
  };
  using Entry = std::list<Pass>::iterator;

  explicit Passes(const std::string& name)
      : succeeded(results(name, "success")),
        later(results(name, "requeue_after")),
        conflicted(results(name, "requeue")),
        failed(results(name, "error")),
        error_count(errors(name)),
        terminal_count(terminal_errors(name)),
        active(gauge("controller_runtime_active_workers", "Workers that reconcile now", name)),
        most(gauge("controller_runtime_max_concurrent_reconciles", "Workers", name)),
        time(times(name)) {}

  Entry begin(const kube::Key& key) {
    const std::scoped_lock lock{mutex};
    active.Increment();
    return under_way.insert(under_way.end(), Pass{key, steady_clock().now(), {}});
  }

  /// True when the pass was over its time.
  bool end(Entry pass) {
    const std::scoped_lock lock{mutex};
    time.Observe(std::chrono::duration<double>(steady_clock().now() - pass->since).count());
    const bool timed_out = pass->timed_out;
    under_way.erase(pass);
    active.Decrement();
    idle.notify_all();
    return timed_out;
  }

  void stop_older_than(std::chrono::seconds limit) {
    const std::scoped_lock lock{mutex};
    for (Pass& pass : under_way) {
      if (steady_clock().now() - pass.since < limit) continue;
      pass.timed_out = true;
      pass.stop.request_stop();
    }
  }

  void drain(std::chrono::seconds limit) {
    std::unique_lock lock{mutex};
    idle.wait_for(lock, limit, [this] { return under_way.empty(); });
    for (Pass& pass : under_way) pass.stop.request_stop();
  }

  std::mutex mutex;
  std::condition_variable idle;
  std::list<Pass> under_way;
  prometheus::Counter& succeeded;
  prometheus::Counter& later;
  prometheus::Counter& conflicted;
  prometheus::Counter& failed;
  prometheus::Counter& error_count;
  prometheus::Counter& terminal_count;
  prometheus::Gauge& active;
  prometheus::Gauge& most;
  prometheus::Histogram& time;
};

Controller::Controller(Options options, Reconcile reconcile)
    : options_(std::move(options)),
      reconcile_(std::move(reconcile)),
      queue_(options_.name),
      passes_(std::make_unique<Passes>(options_.name)) {}

Controller::~Controller() { stop(); }

void Controller::start() {
  passes_->most.Set(options_.workers);
  for (int count = 0; count < options_.workers; ++count) {
    workers_.emplace_back([this](std::stop_token stop) { work(std::move(stop)); });
  }
  watchdog_ = std::jthread([this](std::stop_token stop) { watch_over(std::move(stop)); });
}

void Controller::stop() {
  for (std::jthread& worker : workers_) worker.request_stop();
  passes_->drain(options_.drain);
  workers_.clear();
  watchdog_ = {};
}

void Controller::work(std::stop_token stop) {
  while (const auto key = queue_.take(stop)) {
    pass(*key, stop);
    queue_.done(*key);
  }
}

void Controller::pass(const kube::Key& key, const std::stop_token& stopping) {
  const auto entry = passes_->begin(key);
  std::string problem;
  enum class Result { fine, conflict, failure, terminal } result = Result::fine;
  Outcome outcome = Outcome::done();
  try {
    outcome = reconcile_(key, entry->stop.get_token());
  } catch (const TerminalError& error) {
    result = Result::terminal;
    problem = error.what();
  } catch (const kube::ApiError& error) {
    result = error.is_conflict() ? Result::conflict : Result::failure;
    problem = error.what();
  } catch (const std::exception& error) {
    result = Result::failure;
    problem = error.what();
  } catch (...) {
    result = Result::failure;
    problem = "an exception of an unknown type";
  }
  if (passes_->end(entry)) problem = "over its time: " + problem;

  switch (result) {
    case Result::fine:
      queue_.forget(key);
      (outcome.delay() ? passes_->later : passes_->succeeded).Increment();
      if (outcome.delay()) queue_.add_after(key, *outcome.delay());
      return;
    case Result::conflict:
      passes_->conflicted.Increment();
      spdlog::debug("{} {}: {}; again at once", options_.name, key.display(), problem);
      queue_.add_rate_limited(key);
      return;
    case Result::terminal:
      passes_->terminal_count.Increment();
      queue_.forget(key);
      break;
    case Result::failure:
      if (stopping.stop_requested()) return;  // cut short by the stop; the next leader goes on
      queue_.add_rate_limited(key);
      break;
  }
  passes_->failed.Increment();
  passes_->error_count.Increment();
  spdlog::error("{} {}: {}", options_.name, key.display(), problem);
}

void Controller::watch_over(std::stop_token stop) {
  while (!stop.stop_requested()) {
    passes_->stop_older_than(options_.timeout);
    queue_.publish_ages();
    kube::wait_for(kGlance, stop);
  }
}

bool wait_until_synced(const std::function<std::string()>& unsynced, std::chrono::seconds limit,
                       std::stop_token stop) {
  const auto deadline = steady_clock().now() + limit;
  auto next_word = steady_clock().now() + kSyncWord;
  while (true) {
    const std::string waited_for = unsynced();
    if (waited_for.empty()) return true;
    const auto now = steady_clock().now();
    if (stop.stop_requested() || now >= deadline) return false;
    if (now >= next_word) {
      spdlog::warn("the cache of {} is not filled yet", waited_for);
      next_word = now + kSyncWord;
    }
    kube::wait_for(kSyncGlance, stop);
  }
}

bool wait_until_synced(const std::vector<const Informer*>& informers, std::chrono::seconds limit,
                       std::stop_token stop) {
  const auto unsynced = [&informers]() -> std::string {
    for (const Informer* informer : informers) {
      if (!informer->synced()) return informer->kind().plural;
    }
    return "";
  };
  return wait_until_synced(unsynced, limit, std::move(stop));
}

void wait_until_stopped(std::stop_token stop) {
  std::mutex mutex;
  std::unique_lock lock{mutex};
  std::condition_variable_any stopped;
  stopped.wait(lock, stop, [] { return false; });
}

}  // namespace alphorn::controller
