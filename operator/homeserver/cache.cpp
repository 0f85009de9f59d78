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

kube::Key labelled_tenant(const json& object) {
  const json& labels = at_path(object, "metadata/labels");
  return {.ns = string_at(object, "metadata/namespace"),
          .name = labels.is_object() ? labels.value(manifests::kTenantLabel, "") : ""};
}

/// Items of a list come without kind; a pod's specification is large and never read.
std::function<void(json&)> shrink(const kube::Kind& kind) {
  return [kind](json& object) {
    object["kind"] = kind.name;
    object["apiVersion"] = kind.api_version();
    if (kind == kube::kinds::kPod) object.erase("spec");
  };
}

controller::InformerOptions labelled(const kube::Kind& kind) {
  return {.kind = kind,
          .label_selector = std::string(manifests::kManagedByLabel) + "=" + manifests::kManagedBy,
          .indexers = {{kByTenant,
                        [](const json& object) {
                          return std::vector<std::string>{labelled_tenant(object).display()};
                        }}},
          .transform = shrink(kind)};
}

}  // namespace

const std::vector<kube::Kind>& child_kinds() {
  static const std::vector<kube::Kind> kinds{
      kube::kinds::kConfigMap, kube::kinds::kDeployment,
      kube::kinds::kSecret,    kube::kinds::kPersistentVolumeClaim,
      kube::kinds::kService,   kube::kinds::kStatefulSet};
  return kinds;
}

Cache::Cache(const std::shared_ptr<kube::Client>& client, Enqueue enqueue)
    : enqueue_(std::move(enqueue)) {
  watch(client, {.kind = kCompanyHomeserver, .transform = shrink(kCompanyHomeserver)},
        kube::key_of);
  for (const kube::Kind& kind : child_kinds()) watch(client, labelled(kind), labelled_tenant);
  watch(client, labelled(kube::kinds::kPod), labelled_tenant);
  // Storage classes concern no tenant in particular: who waits for one looks again soon anyway.
  watch(client, {.kind = kube::kinds::kStorageClass}, {});
}

void Cache::watch(const std::shared_ptr<kube::Client>& client, controller::InformerOptions options,
                  const std::function<kube::Key(const json&)>& tenant_of) {
  auto informer = std::make_unique<controller::Informer>(client, std::move(options));
  if (tenant_of) {
    const controller::Informer* source = informer.get();
    informer->add_handler([this, tenant_of, source](const controller::ObjectPtr& before,
                                                    const controller::ObjectPtr& after) {
      using Priority = controller::WorkQueue::Priority;
      const Priority priority = source->synced() ? Priority::normal : Priority::low;
      // A label that was changed concerns the tenant it named before as well.
      for (const controller::ObjectPtr& object : {before, after}) {
        if (!object) continue;
        const kube::Key key = tenant_of(*object);
        if (!key.name.empty()) enqueue_(key, priority);
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

const controller::Store* Cache::store_of(const kube::Kind& kind) const {
  const auto found = std::find_if(informers_.begin(), informers_.end(),
                                  [&](const auto& informer) { return informer->kind() == kind; });
  return found == informers_.end() ? nullptr : &(*found)->store();
}

controller::ObjectPtr Cache::tenant(const kube::Key& key) const {
  return store_of(kCompanyHomeserver)->get(key);
}

std::vector<controller::ObjectPtr> Cache::owned(const kube::Kind& kind,
                                                const kube::Key& tenant) const {
  return store_of(kind)->by_index(kByTenant, tenant.display());
}

}  // namespace alphorn::homeserver
