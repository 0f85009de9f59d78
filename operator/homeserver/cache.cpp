#include "homeserver/cache.hpp"

#include "api/company_homeserver.hpp"
#include "homeserver/database.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

const kube::Kind kCompanyHomeserver{.group = api::kGroup,
                                    .version = api::kVersion,
                                    .name = "CompanyHomeserver",
                                    .plural = "companyhomeservers"};

const kube::Kind kCloudNativePgCluster{
    .group = "postgresql.cnpg.io", .version = "v1", .name = kDatabaseCluster, .plural = "clusters"};

namespace {

constexpr const char* kByTenant = "tenant";

/// "acme/acme", or nothing for what belongs to no tenant.
std::vector<std::string> tenant_of(const kube::RawObject& object) {
  const kube::Key tenant{.ns = object.key.ns, .name = object.label(manifests::kTenantLabel)};
  if (tenant.name.empty()) return {};
  return {tenant.display()};
}

controller::InformerOptions labelled(const kube::Kind& kind, const std::string& ns) {
  return {.kind = kind,
          .ns = ns,
          .label_selector = std::string(manifests::kManagedByLabel) + "=" + manifests::kManagedBy,
          .indexers = {{kByTenant, tenant_of}}};
}

controller::InformerOptions children(const kube::Kind& kind, const std::string& ns) {
  controller::InformerOptions options = labelled(kind, ns);
  options.optional = kind == kube::kinds::kHttpRoute || kind == kube::kinds::kTlsRoute ||
                     kind == kube::kinds::kTlsRouteAlpha || kind == kCertificate ||
                     kind == kCertificateRequest || kind == kCloudNativePgCluster;
  // Companies bring Secrets too (docs/decisions/0015).
  if (kind == kube::kinds::kSecret) options.label_selector = manifests::kTenantLabel;
  return options;
}

controller::InformerOptions pods(const std::string& ns) {
  controller::InformerOptions options = labelled(kube::kinds::kPod, ns);
  options.drop = {{"spec"}};  // large, and never read
  return options;
}

std::vector<kube::Key> labelled_tenant(const controller::Store& store,
                                       const controller::Object& object) {
  std::vector<kube::Key> keys;
  // The index value is the tenant's namespace, which is the object's own, and its name.
  for (const std::string& value : store.index_values(object, kByTenant)) {
    const std::string& ns = object.key().ns;
    keys.push_back({.ns = ns, .name = value.substr(ns.size() + 1)});
  }
  return keys;
}

std::string display(const controller::Informer& informer) {
  return informer.kind().plural + (informer.ns().empty() ? "" : " of namespace " + informer.ns());
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
      kube::kinds::kConfigMap,     kube::kinds::kDeployment,
      kube::kinds::kSecret,        kube::kinds::kPersistentVolumeClaim,
      kube::kinds::kService,       kube::kinds::kStatefulSet,
      kube::kinds::kIngress,       kube::kinds::kHttpRoute,
      kube::kinds::kTlsRoute,      kube::kinds::kTlsRouteAlpha,
      kube::kinds::kNetworkPolicy, kCertificate,
      kCertificateRequest,         kube::kinds::kJob,
      kCloudNativePgCluster,       kube::kinds::kPodDisruptionBudget};
  return kinds;
}

Cache::Cache(const std::shared_ptr<kube::Client>& client,
             const std::vector<std::string>& namespaces, Enqueue enqueue)
    : enqueue_(std::move(enqueue)) {
  if (namespaces.empty()) watch_namespace(client, "");
  for (const std::string& ns : namespaces) watch_namespace(client, ns);
  // Classes concern no tenant in particular: who waits for one looks again soon anyway. They are of
  // the whole cluster, about which an operator of some namespaces may not be told anything.
  const bool may_be_refused = !namespaces.empty();
  watch(client, {.kind = kube::kinds::kStorageClass, .may_be_refused = may_be_refused}, {});
  watch(
      client,
      {.kind = kube::kinds::kIngressClass, .metadata_only = true, .may_be_refused = may_be_refused},
      {});
}

void Cache::watch_namespace(const std::shared_ptr<kube::Client>& client, const std::string& ns) {
  watch(client, {.kind = kCompanyHomeserver, .ns = ns, .may_be_refused = !ns.empty()},
        [](const controller::Store&, const controller::Object& tenant) {
          return std::vector{tenant.key()};
        });
  for (const kube::Kind& kind : child_kinds()) watch(client, children(kind, ns), labelled_tenant);
  watch(client, pods(ns), labelled_tenant);
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
  by_kind_[informer->kind()][informer->ns()] = informer.get();
  informers_.push_back(std::move(informer));
}

void Cache::start() {
  for (const auto& informer : informers_) informer->start();
}

std::string Cache::unfilled() const {
  for (const auto& informer : informers_) {
    if (informer->synced()) continue;
    const controller::Informer* tenants = informer_of(kCompanyHomeserver, informer->ns());
    const bool is_closed = tenants != nullptr && tenants->synced() && !tenants->served();
    if (!is_closed) return display(*informer);
  }
  return "";
}

bool Cache::is_filled(const std::string& ns) const {
  for (const auto& [kind, informers] : by_kind_) {
    const controller::Informer* informer = informer_of(kind, kind.namespaced ? ns : "");
    if (informer != nullptr && !informer->synced()) return false;
  }
  return true;
}

const controller::Informer* Cache::informer_of(const kube::Kind& kind,
                                               const std::string& ns) const {
  const auto informers = by_kind_.find(kind);
  if (informers == by_kind_.end()) return nullptr;
  const auto everywhere = informers->second.find("");
  if (everywhere != informers->second.end()) return everywhere->second;
  const auto there = informers->second.find(ns);
  return there == informers->second.end() ? nullptr : there->second;
}

const controller::Store* Cache::store_of(const kube::Kind& kind, const std::string& ns) const {
  const controller::Informer* informer = informer_of(kind, ns);
  return informer == nullptr ? nullptr : &informer->store();
}

bool Cache::serves(const kube::Kind& kind, const std::string& ns) const {
  const controller::Informer* informer = informer_of(kind, ns);
  return informer != nullptr && informer->served();
}

std::vector<controller::ObjectPtr> Cache::tenants() const {
  std::vector<controller::ObjectPtr> result;
  for (const auto& [ns, informer] : by_kind_.at(kCompanyHomeserver)) {
    const std::vector<controller::ObjectPtr> some = informer->store().list();
    result.insert(result.end(), some.begin(), some.end());
  }
  return result;
}

controller::ObjectPtr Cache::tenant(const kube::Key& key) const {
  const controller::Store* store = store_of(kCompanyHomeserver, key.ns);
  return store == nullptr ? nullptr : store->get(key);
}

std::vector<controller::ObjectPtr> Cache::owned(const kube::Kind& kind,
                                                const kube::Key& tenant) const {
  return store_of(kind, tenant.ns)->by_index(kByTenant, tenant.display());
}

}  // namespace alphorn::homeserver
