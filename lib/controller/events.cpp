#include "controller/events.hpp"

#include <prometheus/counter.h>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/metrics.hpp"
#include "controller/event_series.hpp"
#include "kube/wait.hpp"

namespace alphorn::controller {
namespace {

constexpr std::size_t kMostQueued = 1000;
constexpr int kAttempts = 4;
constexpr std::chrono::milliseconds kFirstRetry{500};
constexpr std::chrono::seconds kFlushTime{2};

prometheus::Counter& dropped_counter() {
  return prometheus::BuildCounter()
      .Name("alphorn_events_dropped_total")
      .Help("Kubernetes events that were not written: the queue was full or the server refused")
      .Register(*metrics())
      .Add({});
}

json reference_to(const json& object) {
  json reference = {{"apiVersion", string_at(object, "apiVersion")},
                    {"kind", string_at(object, "kind")},
                    {"name", string_at(object, "metadata/name")}};
  for (const char* field : {"namespace", "uid"}) {
    const std::string value = string_at(object, std::string{"metadata/"} + field);
    if (!value.empty()) reference[field] = value;
  }
  return reference;
}

}  // namespace

struct EventRecorder::State {
  State(std::shared_ptr<kube::Client> its_client, const std::string& component,
        const std::string& instance)
      : client(std::move(its_client)),
        series(component, instance),
        dropped(dropped_counter()),
        writer([this](const std::stop_token& stop) { run(stop); }) {}

  void run(const std::stop_token& stop) {
    std::unique_lock lock{mutex};
    while (wake.wait(lock, stop, [this] { return !queue.empty(); })) {
      Happening happening = std::move(queue.front());
      queue.pop_front();
      writing = true;
      lock.unlock();
      tell(std::move(happening), stop);
      lock.lock();
      writing = false;
      idle.notify_all();
    }
  }

  void tell(Happening happening, const std::stop_token& stop) {
    const auto event =
        series.next(std::move(happening), std::chrono::system_clock::now(), steady_clock().now());
    if (!event) return;
    auto delay = kFirstRetry;
    for (int attempt = 1; !stop.stop_requested(); ++attempt) {
      try {
        return write(*event, stop);
      } catch (const http::TransportError& error) {
        if (attempt == kAttempts) return give_up(error.what());
      } catch (const std::exception& error) {
        return give_up(error.what());  // e.g. the namespace is being deleted
      }
      kube::wait_for(delay, stop);
      delay *= 2;
    }
  }

  /// Most events are new, and a plain create costs the server least.
  void write(const json& event, const std::stop_token& stop) const {
    if (!event.contains("series")) {
      try {
        client->create(kube::kinds::kEvent, event, kube::DryRun::no, stop);
        return;
      } catch (const kube::ApiError& error) {
        if (!error.already_exists()) throw;
      }
    }
    client->apply(kube::kinds::kEvent, event, {.field_manager = "alphorn-events"}, stop);
  }

  void give_up(const std::string& problem) {
    dropped.Increment();
    spdlog::debug("event: {}", problem);
  }

  std::shared_ptr<kube::Client> client;
  EventSeries series;  // the writer's alone
  prometheus::Counter& dropped;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::condition_variable idle;
  std::deque<Happening> queue;
  bool writing = false;
  std::jthread writer;  // last: it uses all of the above
};

EventRecorder::EventRecorder(std::shared_ptr<kube::Client> client, std::string component,
                             std::string instance)
    : state_(std::make_unique<State>(std::move(client), component, instance)) {}

EventRecorder::~EventRecorder() = default;

void EventRecorder::record(const json& object, Type type, const std::string& reason,
                           const std::string& action, const std::string& message) {
  Happening happening{.regarding = reference_to(object),
                      .warning = type == Type::warning,
                      .reason = reason,
                      .action = action,
                      .note = message};
  const std::scoped_lock lock{state_->mutex};
  if (state_->queue.size() >= kMostQueued) {
    state_->dropped.Increment();
    return;
  }
  state_->queue.push_back(std::move(happening));
  state_->wake.notify_one();
}

void EventRecorder::flush() {
  std::unique_lock lock{state_->mutex};
  state_->idle.wait_for(lock, kFlushTime,
                        [this] { return state_->queue.empty() && !state_->writing; });
}

}  // namespace alphorn::controller
