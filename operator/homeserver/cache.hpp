#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/informer.hpp"
#include "controller/work_queue.hpp"
#include "homeserver/world.hpp"
#include "kube/client.hpp"

namespace alphorn::homeserver {

extern const kube::Kind kCompanyHomeserver;

/// Everything the homeserver controller watches: the tenants, and of the other kinds only the
/// objects that carry our label. Each change is turned into the key of the tenant it concerns.
/// Thread-safe after start().
class Cache {
 public:
  using Enqueue = std::function<void(const kube::Key&, controller::WorkQueue::Priority)>;

  Cache(const std::shared_ptr<kube::Client>& client, Enqueue enqueue);

  void start();
  std::vector<const controller::Informer*> informers() const;

  const controller::Store* store_of(const kube::Kind& kind) const;  ///< null when not watched
  /// False while the cluster does not know this kind.
  bool serves(const kube::Kind& kind) const;
  controller::ObjectPtr tenant(const kube::Key& key) const;
  /// Our objects of one kind that belong to a tenant, by label.
  std::vector<controller::ObjectPtr> owned(const kube::Kind& kind, const kube::Key& tenant) const;

 private:
  using TenantsOf = std::function<std::vector<kube::Key>(const controller::Store& store,
                                                         const controller::Object& object)>;

  void watch(const std::shared_ptr<kube::Client>& client, controller::InformerOptions options,
             const TenantsOf& tenants_of);

  const controller::Informer* informer_of(const kube::Kind& kind) const;

  Enqueue enqueue_;
  std::vector<std::unique_ptr<controller::Informer>> informers_;
};

/// The tenant itself as a reference: what events tell of, and what a status is written to. Its uid
/// keeps a write from reaching another object of the same name.
json subject_of(const World& world);

/// The kinds of objects a tenant is made of, besides its pods.
const std::vector<kube::Kind>& child_kinds();

}  // namespace alphorn::homeserver
