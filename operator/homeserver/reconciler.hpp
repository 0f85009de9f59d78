#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "catalogue.hpp"
#include "certificates/authority.hpp"
#include "controller/controller.hpp"
#include "controller/events.hpp"
#include "controller/written.hpp"
#include "homeserver/bridges.hpp"
#include "homeserver/cache.hpp"
#include "homeserver/calls.hpp"
#include "homeserver/erasure.hpp"
#include "homeserver/plan.hpp"
#include "homeserver/progress.hpp"
#include "homeserver/servers.hpp"
#include "homeserver/settled.hpp"
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
    std::string operator_ns;
  };
  explicit Reconciler(Parts parts) : parts_(parts) {}

  controller::Outcome reconcile(const kube::Key& key, std::stop_token stop);

 private:
  /// What a tenant's Secrets held when they were last looked at. Reading them costs more than all
  /// else in a pass that finds nothing to do.
  struct SecretFacts {
    std::string seen;  ///< the versions of the Secrets
    std::optional<certificates::Facts> certificate;
    bool certificate_is_usable = false;
    bool certificate_is_former = false;  ///< the operator's authority of before signed it
    std::string brought_certificate_pem;
    std::string signing_key_id;
    std::map<std::string, std::string> rotated;
    json old_signing_keys = json::object();
  };
  /// What is remembered of a tenant between two passes. All of it can be lost.
  struct Memory {
    SecretFacts secrets;
    Settled settled;
    KnownMedia media;
    KnownLogins logins;
  };

  /// One that is deleted, and its data with it. Over when the last of our finalizers is.
  controller::Outcome erase(const World& world, std::stop_token stop);
  Rest make_last_backup(const LastBackup& last, const std::stop_token& stop) const;
  Rest unseen(const World& world, std::stop_token stop) const;
  controller::Outcome set_finalizers(const World& world, const std::vector<std::string>& finalizers,
                                     std::stop_token stop);
  std::optional<World> observe(const kube::Key& key, Memory& memory, std::stop_token stop);
  void ask_logins(World& world, KnownLogins& known) const;
  CallsAnswer ask_calls(const World& world, KnownMedia& known, std::stop_token stop) const;
  Failures execute(const Plan& plan, const World& world, std::stop_token stop);
  /// Returns how long news wait to be told; zero when there are none or they were told.
  std::chrono::milliseconds tell(const json& status, const World& world, std::stop_token stop);
  bool write_status(const json& status, const World& world, std::stop_token stop);
  void forget(const kube::Key& key);

  Parts parts_;
  controller::WrittenVersions written_;
  Progress progress_;
  Locked<std::map<kube::Key, std::shared_ptr<Memory>>> memories_;
};

/// Ours by its owner or, when it has none, by who wrote it. Labels do not decide: they may be lost.
bool is_ours(const json& object, const std::string& tenant_uid);

}  // namespace alphorn::homeserver
