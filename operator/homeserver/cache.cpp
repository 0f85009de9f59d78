#include "homeserver/cache.hpp"

#include "api/company_directory.hpp"
#include "api/company_homeserver.hpp"
#include "api/homeserver_backup.hpp"
#include "homeserver/database.hpp"
#include "manifests/backup.hpp"
#include "manifests/directory.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

const kube::Kind kCompanyHomeserver{.group = api::kGroup,
                                    .version = api::kVersion,
                                    .name = "CompanyHomeserver",
                                    .plural = "companyhomeservers"};

const kube::Kind kCompanyDirectory{.group = api::kGroup,
                                   .version = api::kVersion,
                                   .name = "CompanyDirectory",
                                   .plural = "companydirectories"};

const kube::Kind kHomeserverBackup{.group = api::kGroup,
                                   .version = api::kVersion,
                                   .name = "HomeserverBackup",
                                   .plural = "homeserverbackups"};

const kube::Kind kHomeserverRestore{.group = api::kGroup,
                                    .version = api::kVersion,
                                    .name = "HomeserverRestore",
                                    .plural = "homeserverrestores"};

const kube::Kind kCloudNativePgCluster{
    .group = "postgresql.cnpg.io", .version = "v1", .name = kDatabaseCluster, .plural = "clusters"};

namespace {

constexpr const char* kByTenant = "tenant";
constexpr const char* kByDirectory = "directory";
constexpr const char* kByBackup = "backup";

/// "acme/acme", or nothing when there is no such label.
std::vector<std::string> named_by(const char* label, const kube::RawObject& object) {
  const kube::Key whose{.ns = object.key.ns, .name = object.label(label)};
  if (whose.name.empty()) return {};
  return {whose.display()};
}

/// What belongs to a directory is none of the homeserver's, but for what is kept: that goes with
/// the tenant's data.
std::vector<std::string> tenant_of(const kube::RawObject& object) {
  const bool is_of_directory = !object.label(manifests::kDirectoryLabel).empty();
  if (is_of_directory && object.label(manifests::kKeepLabel).empty()) return {};
  return named_by(manifests::kTenantLabel, object);
}

std::vector<std::string> directory_of(const kube::RawObject& object) {
  return named_by(manifests::kDirectoryLabel, object);
}

/// The homeserver whose backups a Job or a pod of one is about.
std::vector<std::string> backups_of(const kube::RawObject& object) {
  const std::string component = object.label("app.kubernetes.io/component");
  if (component != manifests::kBackup && component != manifests::kDrill) return {};
  return named_by(manifests::kTenantLabel, object);
}

/// The homeserver that a HomeserverBackup or a HomeserverRestore is about.
std::vector<std::string> homeserver_of_run(const kube::RawObject& object) {
  const std::string name = string_at(object.read(), "spec/homeserverRef/name");
  return {kube::Key{.ns = object.key.ns, .name = name}.display()};
}

/// The homeserver that a CompanyDirectory is about.
std::vector<std::string> homeserver_of(const kube::RawObject& object) {
  const std::string name = api::company_directory_from(object.read()).homeserver;
  return {kube::Key{.ns = object.key.ns, .name = name}.display()};
}

controller::InformerOptions labelled(const kube::Kind& kind, const std::string& ns) {
  return {
      .kind = kind,
      .ns = ns,
      .label_selector = std::string(manifests::kManagedByLabel) + "=" + manifests::kManagedBy,
      .indexers = {{kByTenant, tenant_of}, {kByDirectory, directory_of}, {kByBackup, backups_of}}};
}

controller::InformerOptions children(const kube::Kind& kind, const std::string& ns) {
  controller::InformerOptions options = labelled(kind, ns);
  options.optional = kind == kube::kinds::kHttpRoute || kind == kube::kinds::kTlsRoute ||
                     kind == kube::kinds::kTlsRouteAlpha || kind == kCertificate ||
                     kind == kCertificateRequest || kind == kCloudNativePgCluster;
  // Companies bring Secrets too (docs/decisions/0015).
  if (kind == kube::kinds::kSecret || kind == kube::kinds::kConfigMap) {
    options.label_selector = manifests::kTenantLabel;
  }
  return options;
}

controller::InformerOptions pods(const std::string& ns) {
  controller::InformerOptions options = labelled(kube::kinds::kPod, ns);
  options.drop = {{"spec"}};  // large, and never read
  return options;
}

std::vector<kube::Key> indexed(const controller::Store& store, const controller::Object& object,
                               const char* index) {
  std::vector<kube::Key> keys;
  // The index value is a namespace, which is the object's own, and a name.
  for (const std::string& value : store.index_values(object, index)) {
    const std::string& ns = object.key().ns;
    keys.push_back({.ns = ns, .name = value.substr(ns.size() + 1)});
  }
  return keys;
}

std::vector<kube::Key> labelled_tenant(const controller::Store& store,
                                       const controller::Object& object) {
  return indexed(store, object, kByTenant);
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
  static const std::vector<kube::Kind> kinds{kube::kinds::kConfigMap,
                                             kube::kinds::kDeployment,
                                             kube::kinds::kSecret,
                                             kube::kinds::kPersistentVolumeClaim,
                                             kube::kinds::kService,
                                             kube::kinds::kStatefulSet,
                                             kube::kinds::kIngress,
                                             kube::kinds::kHttpRoute,
                                             kube::kinds::kTlsRoute,
                                             kube::kinds::kTlsRouteAlpha,
                                             kube::kinds::kNetworkPolicy,
                                             kCertificate,
                                             kCertificateRequest,
                                             kube::kinds::kJob,
                                             kube::kinds::kCronJob,
                                             kCloudNativePgCluster,
                                             kube::kinds::kPodDisruptionBudget};
  return kinds;
}

Cache::Cache(const std::shared_ptr<kube::Client>& client,
             const std::vector<std::string>& namespaces, Enqueue enqueue, Enqueue enqueue_directory,
             Enqueue enqueue_backups)
    : enqueue_(std::move(enqueue)),
      enqueue_directory_(std::move(enqueue_directory)),
      enqueue_backups_(std::move(enqueue_backups)) {
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
  watch(client,
        {.kind = kCompanyHomeserver,
         .ns = ns,
         .indexers = {{kByBackup,
                       [](const kube::RawObject& object) {
                         return std::vector{object.key.display()};
                       }}},
         .may_be_refused = !ns.empty()},
        [](const controller::Store&, const controller::Object& tenant) {
          return std::vector{tenant.key()};
        });
  for (const kube::Kind& kind : child_kinds()) watch(client, children(kind, ns), labelled_tenant);
  watch(client, pods(ns), labelled_tenant);
  // Where the definitions were left out, nobody has backups or a directory.
  for (const kube::Kind& kind : {kHomeserverBackup, kHomeserverRestore}) {
    watch(client,
          {.kind = kind,
           .ns = ns,
           .indexers = {{kByTenant, homeserver_of_run}, {kByBackup, homeserver_of_run}},
           .optional = true},
          labelled_tenant);
  }
  watch(client,
        {.kind = kCompanyDirectory,
         .ns = ns,
         .indexers = {{kByTenant, homeserver_of},
                      {kByDirectory,
                       [](const kube::RawObject& object) {
                         return std::vector{object.key.display()};
                       }}},
         .optional = true},
        labelled_tenant);
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
        tell(source->store(), *object, tenants_of, priority);
      }
    });
  }
  by_kind_[informer->kind()][informer->ns()] = informer.get();
  informers_.push_back(std::move(informer));
}

void Cache::tell(const controller::Store& store, const controller::Object& object,
                 const TenantsOf& tenants_of, controller::WorkQueue::Priority priority) const {
  for (const kube::Key& key : indexed(store, object, kByDirectory)) {
    enqueue_directory_(key, priority);
  }
  for (const kube::Key& key : indexed(store, object, kByBackup)) enqueue_backups_(key, priority);
  for (const kube::Key& tenant : tenants_of(store, object)) {
    enqueue_(tenant, priority);
    for (const controller::ObjectPtr& directory : directories_of(tenant)) {
      enqueue_directory_(directory->key(), priority);
    }
  }
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

std::vector<controller::ObjectPtr> Cache::directories_of(const kube::Key& tenant) const {
  return owned(kCompanyDirectory, tenant);
}

std::vector<api::HomeserverRun> Cache::runs_of(const kube::Kind& kind,
                                               const kube::Key& tenant) const {
  std::vector<api::HomeserverRun> runs;
  for (const controller::ObjectPtr& object : owned(kind, tenant)) {
    runs.push_back(api::homeserver_run_from(object->read(), kind.name.c_str()));
  }
  return runs;
}

std::vector<controller::ObjectPtr> Cache::of_backups(const kube::Kind& kind,
                                                     const kube::Key& tenant) const {
  return store_of(kind, tenant.ns)->by_index(kByBackup, tenant.display());
}

std::vector<controller::ObjectPtr> Cache::of_directory(const kube::Kind& kind,
                                                       const kube::Key& directory) const {
  return store_of(kind, directory.ns)->by_index(kByDirectory, directory.display());
}

}  // namespace alphorn::homeserver
