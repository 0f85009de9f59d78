#include "directories/reconciler.hpp"

#include <array>

#include "api/company_homeserver.hpp"
#include "directories/status.hpp"
#include "homeserver/reconciler.hpp"
#include "homeserver/status.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::directories {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds kUntilCacheShowsOwnWrites = 50ms;
constexpr std::chrono::milliseconds kUntilCacheIsFilled = 1s;

/// What a directory is made of, besides its pods.
const std::array kKinds{kube::kinds::kCronJob, kube::kinds::kJob, kube::kinds::kSecret,
                        kube::kinds::kPersistentVolumeClaim};

kube::Kind kind_named(const std::string& name) {
  for (const kube::Kind& kind : kKinds) {
    if (kind.name == name) return kind;
  }
  throw std::logic_error("a directory has no " + name);
}

json subject_of(const api::CompanyDirectory& resource) {
  return {
      {"apiVersion", homeserver::kCompanyDirectory.api_version()},
      {"kind", homeserver::kCompanyDirectory.name},
      {"metadata", {{"name", resource.name}, {"namespace", resource.ns}, {"uid", resource.uid}}}};
}

bool is_older(const api::CompanyDirectory& one, const api::CompanyDirectory& other) {
  return std::tie(one.created, one.name) < std::tie(other.created, other.name);
}

std::string elder_of(const homeserver::Cache& cache, const api::CompanyDirectory& resource) {
  for (const auto& object : cache.directories_of({resource.ns, resource.homeserver})) {
    const api::CompanyDirectory other = api::company_directory_from(object->read());
    if (other.uid != resource.uid && !other.deleting && is_older(other, resource))
      return other.name;
  }
  return "";
}

std::optional<json> source_of(const homeserver::Cache& cache,
                              const api::CompanyDirectory& resource) {
  if (!resource.document_from) return std::nullopt;
  const bool is_secret = resource.document_from->kind == api::DocumentRef::Kind::secret;
  const kube::Kind& kind = is_secret ? kube::kinds::kSecret : kube::kinds::kConfigMap;
  const controller::Store* store = cache.store_of(kind, resource.ns);
  const auto found = store->get({resource.ns, resource.document_from->name});
  if (!found) return std::nullopt;
  json object = found->read();
  // What the operator made holds keys, and words of it could end up in an error.
  const bool is_brought =
      manifests::label_of(object, manifests::kManagedByLabel) != manifests::kManagedBy;
  const bool is_named = manifests::label_of(object, manifests::kTenantLabel) == resource.homeserver;
  if (!is_brought || !is_named) return std::nullopt;
  object["kind"] = kind.name;
  return object;
}

void observe_homeserver(const homeserver::Cache& cache, World& world) {
  const kube::Key key{.ns = world.resource.ns, .name = world.resource.homeserver};
  const controller::ObjectPtr object = cache.tenant(key);
  if (!object) return;
  const api::CompanyHomeserver found = api::company_homeserver_from(object->read());
  if (found.deleting) return;
  world.tenant.emplace();
  world.tenant->name = found.name;
  world.tenant->ns = found.ns;
  world.tenant->uid = found.uid;
  world.tenant->spec = found.spec;
  world.homeserver_is_ready = homeserver::is_ready(found.status);
  world.homeserver_says = homeserver::reported(found.status, "Ready").message;
  world.web_address = string_at(found.status, "webAddress");
  const controller::Store* policies = cache.store_of(kube::kinds::kNetworkPolicy, key.ns);
  world.network_is_ready =
      !found.spec.network_policies ||
      policies->get({key.ns, manifests::directory_policy(*world.tenant)}) != nullptr;
}

}  // namespace

controller::Outcome Reconciler::reconcile(const kube::Key& key, std::stop_token stop) {
  const auto store_of = [this, &key](const kube::Kind& kind) {
    return parts_.cache.serves(kind, key.ns) ? parts_.cache.store_of(kind, key.ns) : nullptr;
  };
  if (!parts_.cache.is_filled(key.ns)) return controller::Outcome::again_in(kUntilCacheIsFilled);
  if (!written_.caught_up(key, store_of)) {
    return controller::Outcome::again_in(kUntilCacheShowsOwnWrites);
  }
  const std::optional<World> world = observe(key);
  if (!world) return controller::Outcome::done();
  const Plan plan = make_plan(*world);
  std::string failure;
  try {
    execute(plan, *world, stop);
  } catch (const kube::ApiError& error) {
    // Somebody was quicker: the next pass sees what is there now.
    if (error.is_conflict()) return controller::Outcome::again_in(kUntilCacheShowsOwnWrites);
    failure = error.what();
  } catch (const http::TransportError&) {
    throw;
  } catch (const std::runtime_error& error) {
    failure = error.what();
  }
  tell(summarize(*world, plan, failure), *world, stop);
  if (!failure.empty()) throw std::runtime_error(failure);  // backs off
  return controller::Outcome::done();                       // whatever it waits for is watched
}

std::optional<World> Reconciler::observe(const kube::Key& key) const {
  const controller::Store* directories =
      parts_.cache.store_of(homeserver::kCompanyDirectory, key.ns);
  const controller::ObjectPtr object = directories == nullptr ? nullptr : directories->get(key);
  if (!object) return std::nullopt;
  World world{.resource = api::company_directory_from(object->read()),
              .seen_at = std::chrono::system_clock::now()};
  if (world.resource.deleting) return std::nullopt;  // the garbage collector takes the rest
  observe_homeserver(parts_.cache, world);
  world.elder = elder_of(parts_.cache, world.resource);
  read_document(world, source_of(parts_.cache, world.resource), parts_.catalogue.provisioner);
  for (const kube::Kind& kind : kKinds) {
    for (const auto& child : parts_.cache.of_directory(kind, key)) {
      world.children.emplace(
          homeserver::ChildId{.kind = kind.name, .name = child->key().name},
          homeserver::ObjectPtr{child->resource_version(), [child] { return child->read(); }});
    }
  }
  for (const auto& pod : parts_.cache.of_directory(kube::kinds::kPod, key)) {
    world.pods.emplace_back(pod->resource_version(), [pod] { return pod->read(); });
  }
  return world;
}

void Reconciler::execute(const Plan& plan, const World& world, const std::stop_token& stop) {
  for (const json& manifest : plan.apply) apply(manifest, world, stop);
  for (const homeserver::Delete& step : plan.remove) {
    parts_.client.remove({kind_named(step.kind), world.resource.ns, step.name},
                         {.uid = step.uid, .resource_version = step.resource_version}, stop);
  }
}

void Reconciler::apply(const json& manifest, const World& world, const std::stop_token& stop) {
  const kube::Kind kind = kind_named(string_at(manifest, "kind"));
  const std::string name = string_at(manifest, "metadata/name");
  const kube::Key key{.ns = world.resource.ns, .name = world.resource.name};
  const auto send = [&](bool only_create) {
    written_.record(
        key, kind,
        parts_.client.apply(kind, manifest,
                            {.field_manager = manifests::kFieldManager, .only_create = only_create},
                            stop));
  };
  if (world.child(kind.name, name) != nullptr) return send(false);
  try {
    return send(true);
  } catch (const kube::ApiError& error) {
    if (!error.is_conflict()) throw;
  }
  // It is there, without its labels or since a moment ago.
  const kube::ObjectRef reference{.kind = kind, .ns = key.ns, .name = name};
  const auto found = parts_.client.get(reference, stop);
  if (found && !homeserver::is_ours(*found, world.resource.uid)) {
    throw std::runtime_error(reference.display() +
                             " exists and is not Alphorn's; rename or remove it");
  }
  send(!found);
}

void Reconciler::tell(const json& status, const World& world, const std::stop_token& stop) {
  const json& before = world.resource.status;
  if (!homeserver::status_differs(status, before)) return;
  json object = subject_of(world.resource);
  object["status"] = status;
  try {
    written_.record({world.resource.ns, world.resource.name}, homeserver::kCompanyDirectory,
                    parts_.client.apply(homeserver::kCompanyDirectory, object,
                                        {.field_manager = manifests::kStatusManager,
                                         .force = kube::Force::yes,
                                         .subresource = "status"},
                                        stop));
  } catch (const kube::ApiError& error) {
    if (!error.is_not_found()) throw;
    return;
  }
  const homeserver::Reported ready = homeserver::reported(status, "Ready");
  const homeserver::Reported former = homeserver::reported(before, "Ready");
  // Other words for the same reason are no news: what is waited for says something new all the
  // time.
  if (ready.status == former.status && ready.reason == former.reason) return;
  using Type = controller::EventRecorder::Type;
  const bool is_progress = homeserver::reported(status, "Reconciling").status == "True";
  const bool is_well = ready.status == "True" || is_progress;
  parts_.events.record(subject_of(world.resource), is_well ? Type::normal : Type::warning,
                       ready.reason, "Apply", ready.message);
}

}  // namespace alphorn::directories
