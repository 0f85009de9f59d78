#pragma once

#include <stop_token>

#include "backups/plan.hpp"
#include "controller/controller.hpp"
#include "controller/events.hpp"
#include "controller/written.hpp"
#include "homeserver/cache.hpp"

namespace alphorn::backups {

/// A pass over the backups of one company: observe -> plan -> execute. Its key is the
/// CompanyHomeserver's. Thread-safe: the work queue keeps passes of one company apart.
class Reconciler {
 public:
  /// References must outlive the reconciler.
  struct Parts {
    const kube::Client& client;
    const homeserver::Cache& cache;
    controller::EventRecorder& events;
  };
  explicit Reconciler(Parts parts) : parts_(parts) {}

  controller::Outcome reconcile(const kube::Key& key, std::stop_token stop);

 private:
  World observe(const kube::Key& key) const;
  void execute(const Plan& plan, const World& world, const std::stop_token& stop);
  void create(const json& manifest, const kube::Key& key, const std::stop_token& stop);
  void tell(const Telling& telling, const kube::Key& key, const std::stop_token& stop);

  Parts parts_;
  controller::WrittenVersions written_;
};

}  // namespace alphorn::backups
