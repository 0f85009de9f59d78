#include <random>

#include "homeserver/reconciler.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds kUntilCacheShowsOwnWrites = 50ms;
// Kubernetes tells of its own changes at once; a program that does not answer yet has to be asked
// again.
constexpr std::chrono::milliseconds kWhileWaiting = 3s;
constexpr std::chrono::milliseconds kAtRest = 60s;
// A server that has not answered for so long is asked less often: asking holds a worker.
constexpr std::chrono::minutes kPatience{2};
constexpr std::chrono::milliseconds kWhileBroken = 15s;

/// At rest, tenants are looked at in turn and not all at once.
std::chrono::milliseconds jittered(std::chrono::milliseconds delay) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return delay + std::chrono::milliseconds{random() % static_cast<unsigned>(delay.count() / 5)};
}

std::chrono::milliseconds next_look(const json& status, TimePoint now) {
  if (is_ready(status)) return kAtRest;
  const auto since = parse_time(reported(status, "Ready").since);
  return since && now - *since > kPatience ? kWhileBroken : kWhileWaiting;
}

std::string joined(const Failures& failures) {
  std::string text;
  for (const auto& [component, failure] : failures) {
    text += (text.empty() ? "" : "; ") + component + ": " + failure.message;
  }
  return text;
}

}  // namespace

controller::Outcome Reconciler::reconcile(const kube::Key& key, std::stop_token stop) {
  const auto store_of = [this](const kube::Kind& kind) { return parts_.cache.store_of(kind); };
  if (!written_.caught_up(key, store_of)) {
    return controller::Outcome::again_in(kUntilCacheShowsOwnWrites);
  }
  const std::optional<World> world = observe(key, stop);
  if (!world) return controller::Outcome::done();

  const TimePoint now = std::chrono::system_clock::now();
  const Plan plan = world->violations.empty() ? diff(desire(*world), *world, now) : Plan{};
  const Failures failures = execute(plan, *world, stop);
  const json status = summarize(*world, plan, failures, now);
  write_status(status, *world, stop);

  if (!failures.empty()) throw std::runtime_error(joined(failures));  // backs off
  if (!world->violations.empty()) return controller::Outcome::done();
  return controller::Outcome::again_in(jittered(next_look(status, now)));
}

void Reconciler::write_status(const json& status, const World& world, std::stop_token stop) {
  const json& before = world.resource.status;
  if (!status_differs(status, before)) return;
  const json object = {{"apiVersion", kCompanyHomeserver.api_version()},
                       {"kind", kCompanyHomeserver.name},
                       {"metadata",
                        {{"name", world.resource.name},
                         {"namespace", world.resource.ns},
                         {"uid", world.resource.uid}}},
                       {"status", status}};
  try {
    written_.record({.ns = world.resource.ns, .name = world.resource.name}, kCompanyHomeserver,
                    parts_.client.apply(kCompanyHomeserver, object,
                                        {.field_manager = manifests::kStatusManager,
                                         .force = kube::Force::yes,
                                         .subresource = "status"},
                                        stop));
  } catch (const kube::ApiError& error) {
    // Deleted meanwhile, perhaps made anew under the same name: the next pass sees which.
    if (!error.is_not_found() && !error.is_conflict()) throw;
    return;
  }
  const Reported was = reported(before, "Ready");
  const Reported is = reported(status, "Ready");
  if (was == is) return;
  using Type = controller::EventRecorder::Type;
  parts_.events.record(object, is_trouble(status) ? Type::warning : Type::normal, is.reason,
                       "Reconcile", is.message);
}

}  // namespace alphorn::homeserver
