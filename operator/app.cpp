#include "app.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <stop_token>

#include "backups/reconciler.hpp"
#include "catalogue.hpp"
#include "certificates/authority.hpp"
#include "controller/controller.hpp"
#include "controller/events.hpp"
#include "controller/leader.hpp"
#include "controller/serving.hpp"
#include "directories/reconciler.hpp"
#include "homeserver/cache.hpp"
#include "homeserver/reconciler.hpp"
#include "homeserver/tenant_metrics.hpp"
#include "homeserver/trust.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn {

namespace {

constexpr std::chrono::seconds kSyncLimit{120};
constexpr const char* kEventSource = "alphorn.dev/operator";
constexpr int kDirectoryWorkers = 2;
constexpr int kBackupWorkers = 2;
constexpr const char* kLeaseName = "alphorn-operator";

/// All parts, in the order in which they depend on each other; they stop in reverse.
class Operator {
 public:
  Operator(const Options& options, MakeServers make_servers, std::stop_token stop)
      : options_(options),
        make_servers_(std::move(make_servers)),
        stop_(std::move(stop)),
        catalogue_(read_catalogue(options.config)),
        leasing_(options.kubeconfig.empty() ? kube::default_client()
                                            : kube::kubeconfig_client(options.kubeconfig)),
        client_(options.max_requests > 0 ? leasing_->limited(options.max_requests) : leasing_),
        // A replica that does not lead, or may not be leading any more, writes nothing but its
        // lease.
        writer_(
            client_->guarded([this] { return !options_.leader_elect || election_.may_write(); })),
        events_(writer_, kEventSource, options.identity),
        controller_({.name = "homeserver", .workers = options.workers},
                    [this](const kube::Key& key, std::stop_token pass) {
                      return reconciler_->reconcile(key, std::move(pass));
                    }),
        directory_work_({.name = "directory", .workers = kDirectoryWorkers},
                        [this](const kube::Key& key, std::stop_token pass) {
                          return directories_->reconcile(key, std::move(pass));
                        }),
        backup_work_({.name = "backup", .workers = kBackupWorkers},
                     [this](const kube::Key& key, std::stop_token pass) {
                       return backups_->reconcile(key, std::move(pass));
                     }),
        authority_work_({.name = "authority", .workers = 1},
                        [this](const kube::Key&, std::stop_token pass) {
                          return authority_->reconcile(std::move(pass));
                        }),
        authority_watch_(client_, {.kind = kube::kinds::kSecret,
                                   .ns = options.ns,
                                   .label_selector = std::string(manifests::kManagedByLabel) + "=" +
                                                     manifests::kManagedBy}),
        cache_(
            client_, options.watch_namespaces,
            [this](const kube::Key& key, controller::WorkQueue::Priority priority) {
              controller_.queue().add(key, priority);
            },
            [this](const kube::Key& key, controller::WorkQueue::Priority priority) {
              directory_work_.queue().add(key, priority);
            },
            [this](const kube::Key& key, controller::WorkQueue::Priority priority) {
              backup_work_.queue().add(key, priority);
            }),
        tenant_metrics_([this] { return cache_.tenants(); }),
        election_(leasing_, {.ns = options.ns, .name = kLeaseName, .identity = options.identity}),
        serving_({.port = options.listen_port,
                  .live = [this] { return election_.check(); },
                  .ready = [this] { return unready(); },
                  .more_metrics = [this] { return tenant_metrics_.collect(); }}) {
    authority_watch_.add_handler([this](const auto& before, const auto& after) {
      const kube::Key& key = (after ? after : before)->key();
      if (key.name == certificates::kAuthoritySecret) authority_work_.queue().add(key);
    });
  }

  int run() {
    cache_.start();
    authority_watch_.start();
    if (!controller::wait_until_synced([this] { return unfilled(); }, kSyncLimit, stop_)) {
      if (stop_.stop_requested()) return 0;
      spdlog::error("the caches did not fill within {} s: {}", kSyncLimit.count(), unready());
      return 1;
    }
    return options_.leader_elect ? run_elected() : run_alone();
  }

 private:
  std::string unfilled() const {
    const std::string of_tenants = cache_.unfilled();
    return of_tenants.empty() && !authority_watch_.synced() ? "the certificate authority"
                                                            : of_tenants;
  }

  std::string unready() const {
    const std::string missing = unfilled();
    return missing.empty() ? "" : "the cache of " + missing + " is not filled";
  }

  /// What the authority asks of the companies. They are many: their turn comes after other work.
  certificates::Authority::Tenants tenants() {
    return {.who_distrusts = [this](const auto& pem) { return who_distrusts(cache_, pem); },
            .who_shows = [this](const auto& pem) { return who_shows(cache_, pem); },
            .published = [this] { return published_authorities(cache_); },
            .look_again =
                [this] {
                  for (const controller::ObjectPtr& tenant : cache_.tenants())
                    controller_.queue().add(tenant->key(), controller::WorkQueue::Priority::low);
                }};
  }

  void start_work() {
    authority_ = std::make_unique<certificates::Authority>(certificates::Authority::Parts{
        .client = *writer_, .events = events_, .ns = options_.ns, .tenants = tenants()});
    servers_ = make_servers_(cache_);
    reconciler_ = std::make_unique<homeserver::Reconciler>(
        homeserver::Reconciler::Parts{.client = *writer_,
                                      .cache = cache_,
                                      .catalogue = catalogue_,
                                      .authority = *authority_,
                                      .servers = *servers_,
                                      .events = events_,
                                      .operator_ns = options_.ns});
    directories_ = std::make_unique<directories::Reconciler>(directories::Reconciler::Parts{
        .client = *writer_, .cache = cache_, .catalogue = catalogue_, .events = events_});
    backups_ = std::make_unique<backups::Reconciler>(
        backups::Reconciler::Parts{.client = *writer_, .cache = cache_, .events = events_});
    authority_work_.queue().add(authority_->key());
    authority_work_.start();
    controller_.start();
    directory_work_.start();
    backup_work_.start();
    spdlog::info("working with {} workers", options_.workers);
  }

  void stop_work() {
    authority_work_.stop();
    directory_work_.stop();
    backup_work_.stop();
    controller_.stop();
    events_.flush();
    spdlog::info("stopped");
  }

  int run_elected() {
    if (election_.run([this] { start_work(); }, [this] { stop_work(); }, stop_)) return 0;
    spdlog::error("leadership was lost; another replica may lead already");
    spdlog::default_logger()->flush();
    // Not even the passes under way may write any more, so nothing is drained.
    std::quick_exit(1);
  }

  int run_alone() {
    start_work();
    controller::wait_until_stopped(stop_);
    stop_work();
    return 0;
  }

  Options options_;
  MakeServers make_servers_;
  std::stop_token stop_;
  Catalogue catalogue_;
  std::shared_ptr<kube::Client> leasing_;  // the lease waits for nobody
  std::shared_ptr<kube::Client> client_;
  std::shared_ptr<kube::Client> writer_;
  controller::EventRecorder events_;
  std::unique_ptr<homeserver::Servers> servers_;
  std::unique_ptr<certificates::Authority> authority_;
  std::unique_ptr<homeserver::Reconciler> reconciler_;
  std::unique_ptr<directories::Reconciler> directories_;
  std::unique_ptr<backups::Reconciler> backups_;
  controller::Controller controller_;
  controller::Controller directory_work_;
  controller::Controller backup_work_;
  controller::Controller authority_work_;
  controller::Informer authority_watch_;
  homeserver::Cache cache_;
  homeserver::TenantMetrics tenant_metrics_;
  controller::LeaderElection election_;
  controller::Serving serving_;
};

}  // namespace

int run_operator(const Options& options) {
  return run_operator(options, [](const homeserver::Cache&) {
    return std::make_unique<homeserver::ClusterServers>();
  });
}

int run_operator(const Options& options, MakeServers make_servers) {
  std::stop_source stop;
  const controller::SignalWait signals{[&stop] { stop.request_stop(); }};
  Operator alphorn{options, std::move(make_servers), stop.get_token()};
  return alphorn.run();
}

}  // namespace alphorn
