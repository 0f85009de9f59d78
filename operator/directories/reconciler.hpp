#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "catalogue.hpp"
#include "controller/controller.hpp"
#include "controller/events.hpp"
#include "controller/written.hpp"
#include "directories/plan.hpp"
#include "homeserver/cache.hpp"

namespace alphorn::directories {

/// Brings one CompanyDirectory's Jobs from what is to what it asks for, and tells what they came
/// to. A pass is observe -> plan -> execute -> summarize, as that of a homeserver; the runs
/// themselves know how to go on after a crash. Thread-safe: the work queue keeps passes of one
/// directory apart.
class Reconciler {
 public:
  /// References must outlive the reconciler.
  struct Parts {
    const kube::Client& client;
    const homeserver::Cache& cache;
    const Catalogue& catalogue;
    controller::EventRecorder& events;
  };
  explicit Reconciler(Parts parts) : parts_(parts) {}

  controller::Outcome reconcile(const kube::Key& key, std::stop_token stop);

 private:
  std::optional<World> observe(const kube::Key& key) const;
  void execute(const Plan& plan, const World& world, const std::stop_token& stop);
  void apply(const json& manifest, const World& world, const std::stop_token& stop);
  void tell(const json& status, const World& world, const std::stop_token& stop);

  Parts parts_;
  controller::WrittenVersions written_;
};

}  // namespace alphorn::directories
