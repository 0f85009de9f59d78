#include <random>

#include "homeserver/database.hpp"
#include "homeserver/reconciler.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds kUntilCacheShowsOwnWrites = 50ms;
constexpr std::chrono::milliseconds kUntilCacheIsFilled = 1s;
// Kubernetes tells of its own changes at once; a program that does not answer yet has to be asked
// again.
constexpr std::chrono::milliseconds kWhileWaiting = 3s;
constexpr std::chrono::milliseconds kAtRest = 60s;
constexpr std::chrono::milliseconds kWhileRotating = 10s;
// A server that has not answered for so long is asked less often: asking holds a worker.
constexpr std::chrono::minutes kPatience{2};
constexpr std::chrono::milliseconds kWhileBroken = 15s;

/// As it was asked for, with nothing under way.
bool is_at_rest(const json& status) {
  return is_ready(status) || is_hibernated(status) || is_fenced(status);
}

/// At rest, tenants are looked at in turn and not all at once.
std::chrono::milliseconds jittered(std::chrono::milliseconds delay) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return delay + std::chrono::milliseconds{random() % static_cast<unsigned>(delay.count() / 5)};
}

std::chrono::milliseconds next_look(const json& status, TimePoint now) {
  if (is_at_rest(status)) return kAtRest;
  const auto since = parse_time(reported(status, "Ready").since);
  return since && now - *since > kPatience ? kWhileBroken : kWhileWaiting;
}

/// Whether Kubernetes' own record of the object should tell of this change of Ready: good news,
/// trouble, sleep, a fence, and the end of each. The rest is progress.
bool is_worth_an_event(const json& status, const json& before) {
  if (reported(status, "Ready") == reported(before, "Ready")) return false;
  const auto matters = [](const json& one) { return is_at_rest(one) || is_trouble(one); };
  return matters(status) || matters(before);
}

}  // namespace

controller::Outcome Reconciler::reconcile(const kube::Key& key, std::stop_token stop) {
  // What was written of a kind that is gone is gone with it.
  const auto store_of = [this, &key](const kube::Kind& kind) {
    return parts_.cache.serves(kind, key.ns) ? parts_.cache.store_of(kind, key.ns) : nullptr;
  };
  // A right may have come for the tenants before it came for what they are made of: that is not
  // gone.
  if (!parts_.cache.is_filled(key.ns)) return controller::Outcome::again_in(kUntilCacheIsFilled);
  if (!written_.caught_up(key, store_of)) {
    return controller::Outcome::again_in(kUntilCacheShowsOwnWrites);
  }
  // The queue gives a key to one worker at a time, so what is in it needs no lock.
  const std::shared_ptr<Memory> memory = memories_.with([&](auto& memories) {
    std::shared_ptr<Memory>& place = memories[key];
    if (!place) place = std::make_shared<Memory>();
    return place;
  });
  const std::optional<World> world = observe(key, *memory, stop);
  if (!world) {
    forget(key);
    return controller::Outcome::done();
  }

  if (const auto finalizers = wanted_finalizers(world->resource)) {
    return set_finalizers(*world, *finalizers, stop);
  }
  if (world->resource.deleting) return erase(*world, stop);
  const TimePoint now = world->seen_at;
  const Plan plan = world->violations.empty() ? diff(*world, now, memory->settled) : Plan{};
  const Failures failures = execute(plan, *world, stop);
  const json status = summarize(*world, plan, failures, now);
  const std::chrono::milliseconds untold = tell(status, *world, stop);

  if (!failures.empty()) throw std::runtime_error(joined(failures));  // backs off
  if (untold.count() > 0) return controller::Outcome::again_in(std::min(untold, kWhileWaiting));
  if (!world->violations.empty()) return controller::Outcome::done();
  std::chrono::milliseconds delay = jittered(next_look(status, now));
  if (world->trust_changes_at) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*world->trust_changes_at - now);
    delay = std::min(delay, std::max(left, kUntilCacheShowsOwnWrites));
  }
  if (is_rotating(*world)) delay = std::min(delay, kWhileRotating);
  return controller::Outcome::again_in(delay);
}

void Reconciler::forget(const kube::Key& key) {
  progress_.forget(key);
  memories_.with([&](auto& memories) { memories.erase(key); });
}

std::chrono::milliseconds Reconciler::tell(const json& status, const World& world,
                                           std::stop_token stop) {
  const kube::Key key{.ns = world.resource.ns, .name = world.resource.name};
  const json& before = world.resource.status;
  const bool differs = status_differs(status, before);
  if (differs && is_progress(status, before)) {
    const auto wait = progress_.wait(key);
    if (wait.count() > 0) return wait;
  }
  if (differs && !write_status(status, world, stop)) return {};
  using Type = controller::EventRecorder::Type;
  const json subject = subject_of(world);
  if (const std::string changes = progress_.told(key); !changes.empty()) {
    parts_.events.record(subject, Type::normal, "Changed", "Reconcile", changes);
  }
  if (is_worth_an_event(status, before)) {
    const Reported ready = reported(status, "Ready");
    parts_.events.record(subject, is_trouble(status) ? Type::warning : Type::normal, ready.reason,
                         "Reconcile", ready.message);
  }
  if (is_at_rest(status)) progress_.forget(key);
  return {};
}

/// False when the object is gone. A conflict is not the end: another object of that name needs its
/// own pass, and a server may have other reasons for one.
bool Reconciler::write_status(const json& status, const World& world, std::stop_token stop) {
  json object = subject_of(world);
  object["status"] = status;
  try {
    written_.record({.ns = world.resource.ns, .name = world.resource.name}, kCompanyHomeserver,
                    parts_.client.apply(kCompanyHomeserver, object,
                                        {.field_manager = manifests::kStatusManager,
                                         .force = kube::Force::yes,
                                         .subresource = "status"},
                                        stop));
    return true;
  } catch (const kube::ApiError& error) {
    if (!error.is_not_found()) throw;
    return false;
  }
}

}  // namespace alphorn::homeserver
