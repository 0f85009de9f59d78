#include "controller/informer.hpp"

#include <spdlog/spdlog.h>

namespace alphorn::controller {
namespace {

constexpr int kPage = 500;
constexpr std::chrono::seconds kWatchTime{300};
constexpr std::chrono::seconds kVeryShort{1};

std::string version_of(const json& object) { return string_at(object, "metadata/resourceVersion"); }

}  // namespace

Informer::Informer(std::shared_ptr<kube::Client> client, InformerOptions options)
    : client_(std::move(client)),
      options_(std::move(options)),
      store_(options_.indexers),
      backoff_(*options_.environment.clock, options_.environment.random) {
  schedule_resync();
}

Informer::~Informer() { stop(); }

void Informer::add_handler(Handler handler) { handlers_.push_back(std::move(handler)); }

void Informer::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void Informer::stop() { thread_ = {}; }

void Informer::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    try {
      list(stop);
      synced_ = true;
      if (watch(stop) == Next::end) return;
    } catch (const std::exception& error) {
      back_off("list", error.what(), stop);
    }
  }
}

void Informer::list(const std::stop_token& stop) {
  kube::ObjectList fresh = fetch(stop);
  // Only this thread writes to the store, so what is read here is what replace() replaces.
  std::vector<std::pair<kube::Key, ObjectPtr>> changed;
  for (json& object : fresh.items) {
    shrink(object);
    const kube::Key key = kube::key_of(object);
    ObjectPtr before = store_.get(key);
    if (!before || version_of(*before) != version_of(object)) {
      changed.emplace_back(key, std::move(before));
    }
  }
  const std::vector<ObjectPtr> gone =
      store_.replace(std::move(fresh.items), fresh.resource_version);
  for (const ObjectPtr& object : gone) tell(object, nullptr);
  for (const auto& [key, before] : changed) tell(before, store_.get(key));
}

kube::ObjectList Informer::fetch(const std::stop_token& stop) {
  kube::ListOptions options{.ns = options_.ns, .label_selector = options_.label_selector};
  const std::string known = store_.resource_version();
  // From the server's cache; never older than what is known already.
  options.resource_version = known.empty() ? "0" : known;
  // With an exact version a page size would bypass the server's cache.
  options.limit = known.empty() ? kPage : 0;
  try {
    return client_->list(options_.kind, options, stop);
  } catch (const kube::ApiError& error) {
    if (!error.is_expired() && !error.is_too_large_version()) throw;
  }
  options.resource_version.clear();
  options.limit = kPage;
  return client_->list(options_.kind, options, stop);
}

Informer::Next Informer::watch(const std::stop_token& stop) {
  const auto& world = options_.environment;
  while (!stop.stop_requested()) {
    // Watches last between one and two times that, so that clients do not reconnect together.
    const auto time =
        std::chrono::duration_cast<std::chrono::seconds>(kWatchTime * (1.0 + world.random()));
    const kube::WatchOptions options{.ns = options_.ns,
                                     .label_selector = options_.label_selector,
                                     .resource_version = store_.resource_version(),
                                     .timeout = time};
    const auto started = world.clock->now();
    int events = 0;
    try {
      client_->watch(
          options_.kind, options,
          [&](kube::WatchEvent event) {
            ++events;
            on_event(std::move(event));
          },
          stop);
      if (events == 0 && world.clock->now() - started < kVeryShort) {
        back_off("watch", "it ended at once without an event", stop);
      }
    } catch (const kube::ApiError& error) {
      if (error.is_expired()) return Next::relist;  // no fault of anybody's: list at once
      back_off("watch", error.what(), stop);
      if (error.status() != 429 && error.status() < 500) return Next::relist;
    } catch (const http::TransportError& error) {
      if (error.kind() == http::TransportError::Kind::stopped) return Next::end;
      // The versions seen so far still hold: go on from there.
      back_off("watch", error.what(), stop);
    }
  }
  return Next::end;
}

void Informer::on_event(kube::WatchEvent event) {
  using Type = kube::WatchEvent::Type;
  const std::string version = version_of(event.object);
  switch (event.type) {
    case Type::bookmark:
      store_.advance(version);
      break;
    case Type::deleted: {
      ObjectPtr before = store_.erase(kube::key_of(event.object));
      store_.advance(version);
      if (!before) before = std::make_shared<const json>(std::move(event.object));
      tell(before, nullptr);
      break;
    }
    case Type::added:
    case Type::modified: {
      shrink(event.object);
      const kube::Key key = kube::key_of(event.object);
      const ObjectPtr before = store_.put(std::move(event.object));
      if (!before || version_of(*before) != version) tell(before, store_.get(key));
      break;
    }
  }
  replay_when_due();
}

void Informer::tell(const ObjectPtr& before, const ObjectPtr& after) const {
  for (const Handler& handler : handlers_) handler(before, after);
}

/// Bookmarks come every minute, so looking at the time on every event is enough.
void Informer::replay_when_due() {
  if (options_.environment.clock->now() < resync_due_) return;
  schedule_resync();
  for (const ObjectPtr& object : store_.list()) tell(object, object);
}

void Informer::schedule_resync() {
  const double jitter = 0.9 + 0.2 * options_.environment.random();
  resync_due_ = options_.environment.clock->now() +
                std::chrono::duration_cast<std::chrono::seconds>(options_.resync * jitter);
}

void Informer::shrink(json& object) const {
  const auto metadata = object.find("metadata");
  if (metadata != object.end()) metadata->erase("managedFields");
  if (options_.transform) options_.transform(object);
}

void Informer::back_off(const char* doing, const std::string& problem,
                        const std::stop_token& stop) {
  if (stop.stop_requested()) return;
  const auto delay = backoff_.next();
  spdlog::warn("{} of {}: {}; again in {} ms", doing, options_.kind.plural, problem, delay.count());
  options_.environment.wait(delay, stop);
}

}  // namespace alphorn::controller
