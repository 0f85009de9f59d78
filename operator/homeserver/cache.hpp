#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/informer.hpp"
#include "controller/work_queue.hpp"
#include "homeserver/world.hpp"
#include "kube/client.hpp"

namespace alphorn::homeserver {

extern const kube::Kind kCompanyHomeserver;
extern const kube::Kind kCompanyDirectory;
extern const kube::Kind kHomeserverBackup;
extern const kube::Kind kHomeserverRestore;
/// Of who runs databases for us where it is asked to.
extern const kube::Kind kCloudNativePgCluster;

/// What cert-manager is asked for, and what it makes of that.
inline const kube::Kind kCertificate{"cert-manager.io", "v1", "Certificate", "certificates"};
inline const kube::Kind kCertificateRequest{"cert-manager.io", "v1", "CertificateRequest",
                                            "certificaterequests"};

/// Everything the controllers watch: the tenants, their directories, and of the other kinds only
/// the objects that carry our label. Each change is turned into the key of the tenant it concerns,
/// and into those of the tenant's directories; what belongs to a directory concerns that alone.
/// What belongs to a backup concerns the tenant's backups, which have a queue of their own with the
/// same keys.
/// Where only some namespaces are watched, each has its own informers; the operator then needs no
/// right in others. A namespace whose tenants may not be read has none, and keeps nobody waiting.
/// Thread-safe after start().
class Cache {
 public:
  using Enqueue = std::function<void(const kube::Key&, controller::WorkQueue::Priority)>;

  /// `namespaces`: those to watch; none for all of the cluster.
  Cache(const std::shared_ptr<kube::Client>& client, const std::vector<std::string>& namespaces,
        Enqueue enqueue, Enqueue enqueue_directory, Enqueue enqueue_backups);

  void start();
  /// What is not filled yet; "" when all is that can be.
  std::string unfilled() const;
  /// Everything that is known of tenants of this namespace was read at least once.
  bool is_filled(const std::string& ns) const;

  /// Where the objects of a namespace are; "" for those of kinds without. Null when not watched.
  const controller::Store* store_of(const kube::Kind& kind, const std::string& ns) const;
  /// False while the cluster does not know this kind, or does not let the operator read it.
  bool serves(const kube::Kind& kind, const std::string& ns) const;
  std::vector<controller::ObjectPtr> tenants() const;
  controller::ObjectPtr tenant(const kube::Key& key) const;
  /// Our objects of one kind that belong to a tenant, by label.
  std::vector<controller::ObjectPtr> owned(const kube::Kind& kind, const kube::Key& tenant) const;
  /// The CompanyDirectories that are about a tenant.
  std::vector<controller::ObjectPtr> directories_of(const kube::Key& tenant) const;
  /// The HomeserverBackups or HomeserverRestores that are about a tenant.
  std::vector<api::HomeserverRun> runs_of(const kube::Kind& kind, const kube::Key& tenant) const;
  /// Our objects of one kind that belong to runs of a tenant's backups, by label.
  std::vector<controller::ObjectPtr> of_backups(const kube::Kind& kind,
                                                const kube::Key& tenant) const;
  /// Our objects of one kind that belong to a directory, by label.
  std::vector<controller::ObjectPtr> of_directory(const kube::Kind& kind,
                                                  const kube::Key& directory) const;

 private:
  using TenantsOf = std::function<std::vector<kube::Key>(const controller::Store& store,
                                                         const controller::Object& object)>;

  void watch_namespace(const std::shared_ptr<kube::Client>& client, const std::string& ns);
  void watch(const std::shared_ptr<kube::Client>& client, controller::InformerOptions options,
             const TenantsOf& tenants_of);

  const controller::Informer* informer_of(const kube::Kind& kind, const std::string& ns) const;

  void tell(const controller::Store& store, const controller::Object& object,
            const TenantsOf& tenants_of, controller::WorkQueue::Priority priority) const;

  Enqueue enqueue_;
  Enqueue enqueue_directory_;
  Enqueue enqueue_backups_;
  std::vector<std::unique_ptr<controller::Informer>> informers_;
  std::map<kube::Kind, std::map<std::string, const controller::Informer*>> by_kind_;
};

/// The tenant itself as a reference: what events tell of, and what a status is written to. Its uid
/// keeps a write from reaching another object of the same name.
json subject_of(const World& world);

/// The kinds of objects a tenant is made of, besides its pods.
const std::vector<kube::Kind>& child_kinds();

}  // namespace alphorn::homeserver
