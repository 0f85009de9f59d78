#include "controller/work_queue.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "base/metrics.hpp"

namespace alphorn::controller {
namespace {

using Instant = Clock::Instant;
using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{5};
constexpr milliseconds kLongestDelay{1000 * 1000};
/// While normal work waits, low-priority work gets one turn in this many: it moves on under any
/// load, and a restart over thousands of objects does not hold up an edit. More than an object
/// takes until it is settled, or a crowd of new ones would all be begun before any is finished.
constexpr int kLowTurn = 32;

double seconds_between(Instant from, Instant to) {
  return std::chrono::duration<double>(to - from).count();
}

prometheus::Histogram::BucketBoundaries buckets() {
  return {1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300};
}

struct QueueMetrics {
  explicit QueueMetrics(const std::string& name)
      : labels{{"name", name}},
        depth(gauge("workqueue_depth", "Keys that wait")),
        unfinished(
            gauge("workqueue_unfinished_work_seconds", "Summed age of the passes under way")),
        longest(gauge("workqueue_longest_running_processor_seconds",
                      "Age of the oldest pass under way")),
        adds(counter("workqueue_adds_total", "Keys added")),
        retries(counter("workqueue_retries_total", "Keys added again after a failure")),
        waited(histogram("workqueue_queue_duration_seconds", "How long a key waited")),
        worked(histogram("workqueue_work_duration_seconds", "How long a pass took")) {}

  prometheus::Gauge& gauge(const char* name, const char* help) const {
    return prometheus::BuildGauge().Name(name).Help(help).Register(*metrics()).Add(labels);
  }
  prometheus::Counter& counter(const char* name, const char* help) const {
    return prometheus::BuildCounter().Name(name).Help(help).Register(*metrics()).Add(labels);
  }
  prometheus::Histogram& histogram(const char* name, const char* help) const {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(*metrics());
    return family.Add(labels, buckets());
  }

  prometheus::Labels labels;
  prometheus::Gauge& depth;
  prometheus::Gauge& unfinished;
  prometheus::Gauge& longest;
  prometheus::Counter& adds;
  prometheus::Counter& retries;
  prometheus::Histogram& waited;
  prometheus::Histogram& worked;
};

/// A key that has to be worked on. `place` is its place in the line, 0 while it is being worked on.
struct Pending {
  WorkQueue::Priority priority;
  Instant since;
  std::uint64_t place = 0;
};

}  // namespace

struct WorkQueue::State {
  State(const std::string& name, const Clock& its_clock) : clock(its_clock), metrics(name) {}

  using Line = std::map<std::uint64_t, kube::Key>;  // in order of arrival

  Line& line_of(Priority priority) { return priority == Priority::low ? low : normal; }

  void add(const kube::Key& key, Priority priority) {
    const auto [entry, is_new] = pending.try_emplace(key, Pending{priority, clock.now()});
    Pending& item = entry->second;
    if (is_new) {
      metrics.adds.Increment();
    } else {
      if (item.priority == Priority::normal || priority == Priority::low) return;
      if (item.place != 0) low.erase(item.place);
      item.priority = Priority::normal;
    }
    item.place = 0;
    if (!processing.contains(key)) enqueue(key, item);
  }

  void enqueue(const kube::Key& key, Pending& item) {
    item.place = ++last_place;
    line_of(item.priority).emplace(item.place, key);
    metrics.depth.Set(static_cast<double>(normal.size() + low.size()));
    wake.notify_one();
  }

  void add_after(const kube::Key& key, milliseconds delay) {
    const Instant due = clock.now() + delay;
    const auto [entry, is_new] = delayed.try_emplace(key, due);
    if (!is_new) {
      if (entry->second <= due) return;
      by_time.erase({entry->second, key});
      entry->second = due;
    }
    by_time.emplace(due, key);
    wake.notify_one();
  }

  void forget_delayed(const kube::Key& key) {
    const auto found = delayed.find(key);
    if (found == delayed.end()) return;
    by_time.erase({found->second, key});
    delayed.erase(found);
  }

  void move_due() {
    const Instant now = clock.now();
    while (!by_time.empty() && by_time.begin()->first <= now) {
      const kube::Key key = by_time.begin()->second;
      by_time.erase(by_time.begin());
      delayed.erase(key);
      add(key, Priority::normal);
    }
  }

  std::optional<kube::Key> pop() {
    move_due();
    if (normal.empty() && low.empty()) return std::nullopt;
    const bool take_low = normal.empty() || (!low.empty() && turns >= kLowTurn - 1);
    turns = take_low ? 0 : turns + 1;
    Line& line = take_low ? low : normal;
    const kube::Key key = line.begin()->second;
    line.erase(line.begin());
    const Instant now = clock.now();
    const auto item = pending.find(key);
    metrics.waited.Observe(seconds_between(item->second.since, now));
    metrics.depth.Set(static_cast<double>(normal.size() + low.size()));
    pending.erase(item);
    forget_delayed(key);
    processing.emplace(key, now);
    // One add wakes one waiter; if more is waiting, the next waiter must not sleep over it.
    if (!normal.empty() || !low.empty() || !by_time.empty()) wake.notify_one();
    return key;
  }

  const Clock& clock;
  QueueMetrics metrics;
  mutable std::mutex mutex;
  std::condition_variable_any wake;
  std::map<kube::Key, Pending> pending;
  std::map<kube::Key, Instant> processing;
  Line normal;
  Line low;
  std::uint64_t last_place = 0;
  int turns = 0;
  std::map<kube::Key, Instant> delayed;
  std::set<std::pair<Instant, kube::Key>> by_time;
  std::map<kube::Key, int> failures;
};

WorkQueue::WorkQueue(std::string name, const Clock& clock)
    : state_(std::make_unique<State>(name, clock)) {}

WorkQueue::~WorkQueue() = default;

void WorkQueue::add(const kube::Key& key, Priority priority) {
  const std::scoped_lock lock{state_->mutex};
  state_->add(key, priority);
}

void WorkQueue::add_after(const kube::Key& key, milliseconds delay) {
  const std::scoped_lock lock{state_->mutex};
  if (delay <= milliseconds{0}) {
    state_->add(key, Priority::normal);
  } else {
    state_->add_after(key, delay);
  }
}

void WorkQueue::add_rate_limited(const kube::Key& key) {
  const std::scoped_lock lock{state_->mutex};
  const int failures = std::min(state_->failures[key]++, 30);
  const milliseconds delay = std::min(kFirstDelay * (std::int64_t{1} << failures), kLongestDelay);
  state_->metrics.retries.Increment();
  state_->add_after(key, delay);
}

void WorkQueue::forget(const kube::Key& key) {
  const std::scoped_lock lock{state_->mutex};
  state_->failures.erase(key);
}

std::optional<kube::Key> WorkQueue::try_take() {
  const std::scoped_lock lock{state_->mutex};
  return state_->pop();
}

std::optional<kube::Key> WorkQueue::take(std::stop_token stop) {
  std::unique_lock lock{state_->mutex};
  while (!stop.stop_requested()) {
    if (auto key = state_->pop()) return key;
    const auto ready = [this] { return !state_->normal.empty() || !state_->low.empty(); };
    if (state_->by_time.empty()) {
      state_->wake.wait(lock, stop, [&] { return ready() || !state_->by_time.empty(); });
    } else {
      const Instant due = state_->by_time.begin()->first;
      const auto earlier = [&] {
        return !state_->by_time.empty() && state_->by_time.begin()->first < due;
      };
      state_->wake.wait_for(lock, stop, due - state_->clock.now(),
                            [&] { return ready() || earlier(); });
    }
  }
  return std::nullopt;
}

void WorkQueue::done(const kube::Key& key) {
  const std::scoped_lock lock{state_->mutex};
  const auto worked = state_->processing.find(key);
  if (worked == state_->processing.end()) return;
  state_->metrics.worked.Observe(seconds_between(worked->second, state_->clock.now()));
  state_->processing.erase(worked);
  const auto again = state_->pending.find(key);
  if (again != state_->pending.end()) state_->enqueue(key, again->second);
}

std::size_t WorkQueue::size() const {
  const std::scoped_lock lock{state_->mutex};
  return state_->normal.size() + state_->low.size();
}

int WorkQueue::failures(const kube::Key& key) const {
  const std::scoped_lock lock{state_->mutex};
  const auto found = state_->failures.find(key);
  return found == state_->failures.end() ? 0 : found->second;
}

void WorkQueue::publish_ages() {
  const std::scoped_lock lock{state_->mutex};
  const Instant now = state_->clock.now();
  double sum = 0;
  double longest = 0;
  for (const auto& [key, since] : state_->processing) {
    const double age = seconds_between(since, now);
    sum += age;
    longest = std::max(longest, age);
  }
  state_->metrics.unfinished.Set(sum);
  state_->metrics.longest.Set(longest);
}

}  // namespace alphorn::controller
