#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "catalogue.hpp"
#include "certificates/authority.hpp"
#include "controller/controller.hpp"
#include "controller/events.hpp"
#include "controller/written.hpp"
#include "homeserver/cache.hpp"
#include "homeserver/plan.hpp"
#include "homeserver/servers.hpp"
#include "homeserver/status.hpp"

namespace alphorn::homeserver {

/// Brings one tenant from what is to what its CompanyHomeserver asks for. A pass is
/// observe -> desire -> diff -> execute -> summarize; only the first and the fourth touch a server.
/// A crash after any single write is healed by the next pass. Thread-safe: passes of different
/// tenants run side by side; the work queue keeps those of one tenant apart.
class Reconciler {
 public:
  /// References must outlive the reconciler.
  struct Parts {
    const kube::Client& client;
    const Cache& cache;
    const Catalogue& catalogue;
    const certificates::Authority& authority;
    Servers& servers;
    controller::EventRecorder& events;
  };
  explicit Reconciler(Parts parts) : parts_(parts) {}

  controller::Outcome reconcile(const kube::Key& key, std::stop_token stop);

 private:
  std::optional<World> observe(const kube::Key& key, std::stop_token stop) const;
  Failures execute(const Plan& plan, const World& world, std::stop_token stop);
  void write_status(const json& status, const World& world, std::stop_token stop);

  Parts parts_;
  controller::WrittenVersions written_;
};

}  // namespace alphorn::homeserver
