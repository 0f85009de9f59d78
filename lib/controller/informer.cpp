#include "controller/informer.hpp"

#include <spdlog/spdlog.h>

namespace alphorn::controller {
namespace {

constexpr int kPage = 500;
constexpr std::chrono::seconds kWatchTime{300};
constexpr std::chrono::seconds kVeryShort{1};
constexpr std::chrono::seconds kUntilServed{10};

kube::FieldPaths with_bookkeeping(kube::FieldPaths paths) {
  paths.insert(paths.end(), kube::bookkeeping().begin(), kube::bookkeeping().end());
  return paths;
}

bool is_overload(const kube::ApiError& error) {
  return error.status() == 429 || error.status() >= 500;
}

}  // namespace

Informer::Informer(std::shared_ptr<kube::Client> client, InformerOptions options)
    : client_(std::move(client)),
      options_(std::move(options)),
      cutter_(with_bookkeeping(options_.drop)),
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
      if (!options_.streaming_list) list(stop);
      const Start start = options_.streaming_list ? Start::everything : Start::known;
      if (watch(start, stop) == Next::end) return;
    } catch (const kube::ApiError& error) {
      if (is_absence(error)) {
        wait_until_served(error.is_forbidden() ? "may not be read" : "is not known to the server",
                          stop);
      } else {
        back_off("list", error.what(), stop);
      }
    } catch (const std::exception& error) {
      back_off("list", error.what(), stop);
    }
  }
}

void Informer::list(const std::stop_token& stop) {
  const kube::ObjectList fresh = fetch(stop);
  Objects objects;
  objects.reserve(fresh.items.size());
  for (const kube::RawObject& item : fresh.items) objects.push_back(store_.pack(item));
  served_ = true;
  replace(objects, fresh.resource_version);
}

/// Only this thread writes to the store, so what is read before is what is replaced.
void Informer::replace(const Objects& objects, const std::string& resource_version) {
  std::vector<std::pair<ObjectPtr, ObjectPtr>> changed;
  for (const std::shared_ptr<Object>& object : objects) {
    ObjectPtr before = store_.get(object->key());
    if (!before || before->resource_version() != object->resource_version()) {
      changed.emplace_back(std::move(before), object);
    }
  }
  for (const ObjectPtr& gone : store_.replace(objects, resource_version)) tell(gone, nullptr);
  for (const auto& [before, after] : changed) tell(before, after);
  from_most_recent_ = false;
  synced_ = true;
}

kube::ObjectList Informer::fetch(const std::stop_token& stop) {
  kube::ListOptions options{.ns = options_.ns,
                            .label_selector = options_.label_selector,
                            .metadata_only = options_.metadata_only};
  const std::string known = store_.resource_version();
  // From the server's cache; never older than what is known already.
  options.resource_version = known.empty() ? "0" : known;
  // With an exact version a page size would bypass the server's cache.
  options.limit = known.empty() ? kPage : 0;
  try {
    return client_->list(options_.kind, options, stop, cutter_);
  } catch (const kube::ApiError& error) {
    if (!error.is_expired() && !error.is_too_large_version()) throw;
  }
  options.resource_version.clear();
  options.limit = kPage;
  return client_->list(options_.kind, options, stop, cutter_);
}

kube::WatchOptions Informer::watch_options(Start start) const {
  const bool everything = start == Start::everything;
  // Watches last between one and two times that, so that clients do not reconnect together.
  const auto time = std::chrono::duration_cast<std::chrono::seconds>(
      kWatchTime * (1.0 + options_.environment.random()));
  return {.ns = options_.ns,
          .label_selector = options_.label_selector,
          .resource_version = everything && from_most_recent_ ? "" : store_.resource_version(),
          .timeout = time,
          .idle = options_.idle,
          .metadata_only = options_.metadata_only,
          .send_initial_events = everything};
}

Informer::Next Informer::watch(Start start, const std::stop_token& stop) {
  const Clock& clock = *options_.environment.clock;
  while (!stop.stop_requested()) {
    listed_.clear();
    const auto started = clock.now();
    int events = 0;
    try {
      client_->watch(
          options_.kind, watch_options(start),
          [&](const kube::WatchEvent& event) {
            ++events;
            if (start == Start::known) {
              on_event(event);
            } else if (on_listed(event)) {
              start = Start::known;
            }
          },
          stop, cutter_);
      if (start == Start::everything) {
        back_off("streaming list", "it ended before all objects were sent", stop);
      } else if (events == 0 && clock.now() - started < kVeryShort) {
        back_off("watch", "it ended at once without an event", stop);
      }
    } catch (const kube::ApiError& error) {
      if (is_absence(error)) throw;
      if (on_refusal(error, start, stop)) return Next::relist;
    } catch (const http::TransportError& error) {
      if (error.kind() == http::TransportError::Kind::stopped) return Next::end;
      // The versions seen so far still hold: go on from there.
      back_off("watch", error.what(), stop);
    }
  }
  return Next::end;
}

/// True when the list has to begin anew, false when the same watch may be tried again.
bool Informer::on_refusal(const kube::ApiError& error, Start start, const std::stop_token& stop) {
  if (start == Start::everything && (error.is_expired() || error.is_too_large_version())) {
    from_most_recent_ = true;
    back_off("streaming list", error.what(), stop);
    return true;
  }
  if (error.is_expired()) return true;  // no fault of anybody's: list at once
  if (start == Start::everything && !is_overload(error)) {
    spdlog::info("{}: the server sends no streaming list ({}); listing by pages",
                 options_.kind.plural, error.what());
    options_.streaming_list = false;
    return true;
  }
  back_off("watch", error.what(), stop);
  return !is_overload(error);
}

bool Informer::on_listed(const kube::WatchEvent& event) {
  using Type = kube::WatchEvent::Type;
  if (event.type == Type::bookmark) {
    if (!event.is_end_of_list()) return false;
    served_ = true;
    replace(std::exchange(listed_, {}), event.object.resource_version);
    return true;
  }
  // An object is sent once as a rule; should it change meanwhile, the last word counts.
  if (event.type != Type::added) {
    std::erase_if(listed_, [&](const auto& one) { return one->key() == event.object.key; });
  }
  if (event.type != Type::deleted) listed_.push_back(store_.pack(event.object));
  return false;
}

void Informer::on_event(const kube::WatchEvent& event) {
  using Type = kube::WatchEvent::Type;
  const std::string& version = event.object.resource_version;
  switch (event.type) {
    case Type::bookmark:
      store_.advance(version);
      break;
    case Type::deleted: {
      ObjectPtr before = store_.erase(event.object.key);
      store_.advance(version);
      if (!before) before = store_.pack(event.object);
      tell(before, nullptr);
      break;
    }
    case Type::added:
    case Type::modified: {
      const ObjectPtr before = store_.put(event.object);
      if (!before || before->resource_version() != version) {
        tell(before, store_.get(event.object.key));
      }
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

bool Informer::is_absence(const kube::ApiError& error) const {
  if (error.is_forbidden()) {
    // Old servers refuse a streaming list so too: whether the kind may be read, a plain one tells.
    return options_.may_be_refused && !options_.streaming_list;
  }
  return options_.optional && error.is_not_found();
}

/// What is not served, to this program, has no objects: to know that is to be synced.
void Informer::wait_until_served(const char* why, const std::stop_token& stop) {
  if (served_) {
    // With the version: some kinds are looked for in more than one.
    spdlog::info("{}{}: {} as {}", options_.kind.plural,
                 options_.ns.empty() ? "" : " of namespace " + options_.ns, why,
                 options_.kind.api_version());
  }
  served_ = false;
  replace({}, store_.resource_version());
  // When the kind comes its versions begin anew.
  from_most_recent_ = true;
  options_.environment.wait(kUntilServed, stop);
}

void Informer::back_off(const char* doing, const std::string& problem,
                        const std::stop_token& stop) {
  if (stop.stop_requested()) return;
  const auto delay = backoff_.next();
  spdlog::warn("{} of {}: {}; again in {} ms", doing, options_.kind.plural, problem, delay.count());
  options_.environment.wait(delay, stop);
}

}  // namespace alphorn::controller
