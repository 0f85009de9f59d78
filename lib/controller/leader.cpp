#include "controller/leader.hpp"

#include <prometheus/gauge.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/metrics.hpp"
#include "controller/lease.hpp"
#include "kube/backoff.hpp"
#include "kube/wait.hpp"

namespace alphorn::controller {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kWatchdogTolerance{20};
/// Waiting candidates stretch their period by up to that factor, so that they do not race.
constexpr double kJitter = 1.2;

prometheus::Gauge& leading_gauge(const std::string& name) {
  return prometheus::BuildGauge()
      .Name("leader_election_master_status")
      .Help("1 while this process leads")
      .Register(*metrics())
      .Add({{"name", name}});
}

/// Calls `work` with a token that asks to stop when the limit is over.
void within(milliseconds limit, const std::function<void(std::stop_token)>& work) {
  std::stop_source stop;
  const std::jthread timer([&](const std::stop_token& done) {
    kube::wait_for(limit, done);
    if (!done.stop_requested()) stop.request_stop();
  });
  work(stop.get_token());
}

}  // namespace

struct LeaderElection::State {
  State(std::shared_ptr<kube::Client> its_client, LeaderOptions its_options, const Clock& its_clock)
      : client(std::move(its_client)),
        options(std::move(its_options)),
        clock(its_clock),
        view(options.ns, options.name, options.identity, options.lease_duration),
        status(leading_gauge(options.name)) {}

  /// One attempt to take or renew the lease; true when this process holds it now.
  bool attempt(const std::stop_token& stop) {
    try {
      return try_to_hold(stop);
    } catch (const kube::ApiError& error) {
      // Losing a race is not worth a line: another candidate was quicker.
      if (!error.is_conflict() && !error.already_exists()) note(error.what());
      known = false;
    } catch (const std::exception& error) {
      if (!stop.stop_requested()) note(error.what());
    }
    return false;
  }

  bool try_to_hold(const std::stop_token& stop) {
    using kube::kinds::kLease;
    // The holder renews without looking: a conflict tells it that somebody else wrote.
    if (!known || !view.held_by_me()) {
      const auto found = client->get({kLease, options.ns, options.name}, stop);
      if (!found) {
        keep(client->create(kLease, view.fresh(wall()), kube::DryRun::no, stop).read());
        return true;
      }
      keep(*found);
      if (!view.may_take(clock.now())) return false;
    }
    keep(client->replace(kLease, view.taken(wall()), stop).read());
    return true;
  }

  void keep(const json& lease) {
    view.observe(lease, clock.now());
    known = true;
  }

  void note(const std::string& problem) const {
    spdlog::warn("lease {}/{}: {}", options.ns, options.name, problem);
  }

  static TimePoint wall() { return std::chrono::system_clock::now(); }

  /// attempt(), and on success the time *before* it counts: the server may have answered late.
  bool renew(const std::stop_token& stop) {
    const auto asked = clock.now();
    if (!attempt(stop)) return false;
    const std::scoped_lock lock{mutex};
    last_renewed = asked;
    changed.notify_all();
    return true;
  }

  void set_leading(bool value) {
    leading = value;
    status.Set(value ? 1 : 0);
  }

  /// Waits in line; false when stop was requested first.
  bool acquire(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (renew(stop)) return true;
      const double stretched = 1.0 + kJitter * kube::random_fraction();
      kube::wait_for(std::chrono::duration_cast<milliseconds>(options.retry_period * stretched),
                     stop);
    }
    return false;
  }

  void keep_renewing(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      kube::wait_for(options.retry_period, stop);
      if (!stop.stop_requested()) renew(stop);
    }
  }

  /// Blocks while the lease is renewed in time; false when it was not, true when stop came first.
  bool hold(const std::stop_token& stop) {
    std::unique_lock lock{mutex};
    while (!stop.stop_requested()) {
      const auto deadline = last_renewed + options.renew_deadline;
      const auto left = deadline - clock.now();
      if (left <= Clock::Instant::duration::zero()) return false;
      changed.wait_for(lock, stop, left,
                       [&] { return last_renewed + options.renew_deadline != deadline; });
    }
    return true;
  }

  void release() {
    within(options.renew_deadline, [this](const std::stop_token& stop) {
      try {
        if (view.held_by_me()) {
          client->replace(kube::kinds::kLease, view.released(wall()), stop);
        }
      } catch (const std::exception& error) {
        note(error.what());  // it runs out by itself
      }
    });
  }

  std::shared_ptr<kube::Client> client;
  LeaderOptions options;
  const Clock& clock;
  LeaseView view;
  bool known = false;  ///< the view shows what the server had at the last attempt
  prometheus::Gauge& status;
  std::atomic<bool> leading{false};
  mutable std::mutex mutex;
  std::condition_variable_any changed;
  Clock::Instant last_renewed{};
};

LeaderElection::LeaderElection(std::shared_ptr<kube::Client> client, LeaderOptions options,
                               const Clock& clock)
    : state_(std::make_shared<State>(std::move(client), std::move(options), clock)) {}

bool LeaderElection::run(const std::function<void()>& on_started,
                         const std::function<void()>& on_stopped, std::stop_token stop) {
  State& state = *state_;
  if (!state.acquire(stop)) return true;
  state.set_leading(true);
  spdlog::info("leading by lease {}/{} as {}", state.options.ns, state.options.name,
               state.options.identity);

  std::jthread renewer([&](const std::stop_token& enough) { state.keep_renewing(enough); });
  bool lost = false;
  std::exception_ptr failure;
  try {
    on_started();
    lost = !state.hold(stop);
    if (!lost) on_stopped();
  } catch (...) {
    failure = std::current_exception();
  }
  state.set_leading(false);
  renewer = {};
  if (lost) {
    spdlog::error("lost lease {}/{}: not renewed for {} ms", state.options.ns, state.options.name,
                  state.options.renew_deadline.count());
    return false;
  }
  state.release();
  if (failure) std::rethrow_exception(failure);
  return true;
}

bool LeaderElection::leading() const { return state_->leading; }

bool LeaderElection::may_write() const {
  if (!state_->leading) return false;
  const std::scoped_lock lock{state_->mutex};
  return state_->clock.now() - state_->last_renewed < state_->options.renew_deadline;
}

std::string LeaderElection::check() const {
  if (!state_->leading) return "";
  const std::scoped_lock lock{state_->mutex};
  const auto age = state_->clock.now() - state_->last_renewed;
  if (age <= state_->options.lease_duration + kWatchdogTolerance) return "";
  return "leads without having renewed its lease for " +
         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(age).count()) + " s";
}

}  // namespace alphorn::controller
