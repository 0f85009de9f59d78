#include "homeserver/cache.hpp"

#include <algorithm>

#include "api/company_homeserver.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

const kube::Kind kCompanyHomeserver{.group = api::kGroup,
                                    .version = api::kVersion,
                                    .name = "CompanyHomeserver",
                                    .plural = "companyhomeservers"};

namespace {

constexpr const char* kByTenant = "tenant";

/// "acme/acme", or nothing for what belongs to no tenant.
std::vector<std::string> tenant_of(const kube::RawObject& object) {
  const kube::Key tenant{.ns = object.key.ns, .name = object.label(manifests::kTenantLabel)};
  if (tenant.name.empty()) return {};
  return {tenant.display()};
}

controller::InformerOptions labelled(const kube::Kind& kind) {
  return {.kind = kind,
          .label_selector = std::string(manifests::kManagedByLabel) + "=" + manifests::kManagedBy,
          .indexers = {{kByTenant, tenant_of}}};
}

controller::InformerOptions children(const kube::Kind& kind) {
  controller::InformerOptions options = labelled(kind);
  options.optional = kind == kube::kinds::kHttpRoute;
  // Companies bring Secrets too (docs/decisions/0015).
  if (kind == kube::kinds::kSecret) options.label_selector = manifests::kTenantLabel;
  return options;
}

controller::InformerOptions pods() {
  controller::InformerOptions options = labelled(kube::kinds::kPod);
  options.drop = {{"spec"}};  // large, and never read
  return options;
}

}  // namespace

json subject_of(const World& world) {
  return {{"apiVersion", kCompanyHomeserver.api_version()},
          {"kind", kCompanyHomeserver.name},
          {"metadata",
           {{"name", world.resource.name},
            {"namespace", world.resource.ns},
            {"uid", world.resource.uid}}}};
}

const std::vector<kube::Kind>& child_kinds() {
  static const std::vector<kube::Kind> kinds{
      kube::kinds::kConfigMap,    kube::kinds::kDeployment,
      kube::kinds::kSecret,       kube::kinds::kPersistentVolumeClaim,
      kube::kinds::kService,      kube::kinds::kStatefulSet,
      kube::kinds::kIngress,      kube::kinds::kHttpRoute,
      kube::kinds::kNetworkPolicy};
  return kinds;
}

Cache::Cache(const std::shared_ptr<kube::Client>& client, Enqueue enqueue)
    : enqueue_(std::move(enqueue)) {
  using controller::Object;
  watch(client, {.kind = kCompanyHomeserver},
        [](const controller::Store&, const Object& tenant) { return std::vector{tenant.key()}; });
  const TenantsOf labelled_tenant = [](const controller::Store& store, const Object& object) {
    std::vector<kube::Key> keys;
    // The index value is the tenant's namespace, which is the object's own, and its name.
    for (const std::string& value : store.index_values(object, kByTenant)) {
      const std::string& ns = object.key().ns;
      keys.push_back({.ns = ns, .name = value.substr(ns.size() + 1)});
    }
    return keys;
  };
  for (const kube::Kind& kind : child_kinds()) watch(client, children(kind), labelled_tenant);
  watch(client, pods(), labelled_tenant);
  // Classes concern no tenant in particular: who waits for one looks again soon anyway.
  watch(client, {.kind = kube::kinds::kStorageClass}, {});
  watch(client, {.kind = kube::kinds::kIngressClass, .metadata_only = true}, {});
}

void Cache::watch(const std::shared_ptr<kube::Client>& client, controller::InformerOptions options,
                  const TenantsOf& tenants_of) {
  auto informer = std::make_unique<controller::Informer>(client, std::move(options));
  if (tenants_of) {
    const controller::Informer* source = informer.get();
    informer->add_handler([this, tenants_of, source](const controller::ObjectPtr& before,
                                                     const controller::ObjectPtr& after) {
      using Priority = controller::WorkQueue::Priority;
      const Priority priority = source->synced() ? Priority::normal : Priority::low;
      // A label that was changed concerns the tenant it named before as well.
      for (const controller::ObjectPtr& object : {before, after}) {
        if (!object) continue;
        for (const kube::Key& key : tenants_of(source->store(), *object)) enqueue_(key, priority);
      }
    });
  }
  informers_.push_back(std::move(informer));
}

void Cache::start() {
  for (const auto& informer : informers_) informer->start();
}

std::vector<const controller::Informer*> Cache::informers() const {
  std::vector<const controller::Informer*> list;
  for (const auto& informer : informers_) list.push_back(informer.get());
  return list;
}

const controller::Informer* Cache::informer_of(const kube::Kind& kind) const {
  const auto found = std::find_if(informers_.begin(), informers_.end(),
                                  [&](const auto& informer) { return informer->kind() == kind; });
  return found == informers_.end() ? nullptr : found->get();
}

const controller::Store* Cache::store_of(const kube::Kind& kind) const {
  const controller::Informer* informer = informer_of(kind);
  return informer == nullptr ? nullptr : &informer->store();
}

bool Cache::serves(const kube::Kind& kind) const {
  const controller::Informer* informer = informer_of(kind);
  return informer != nullptr && informer->served();
}

controller::ObjectPtr Cache::tenant(const kube::Key& key) const {
  return store_of(kCompanyHomeserver)->get(key);
}

std::vector<controller::ObjectPtr> Cache::owned(const kube::Kind& kind,
                                                const kube::Key& tenant) const {
  return store_of(kind)->by_index(kByTenant, tenant.display());
}

}  // namespace alphorn::homeserver
