#pragma once

#include <prometheus/metric_family.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/locked.hpp"
#include "controller/store.hpp"

namespace alphorn::homeserver {

/// How each tenant is, as series for Prometheus: read from the cache when somebody asks, so that a
/// tenant that is gone leaves no series behind. Every replica has them; rules take the maximum.
/// Thread-safe.
class TenantMetrics {
 public:
  using Tenants = std::function<std::vector<controller::ObjectPtr>()>;

  /// `tenants`: all that there are now; asked at each scrape.
  explicit TenantMetrics(Tenants tenants) : tenants_(std::move(tenants)) {}

  std::vector<prometheus::MetricFamily> collect() const;

 private:
  /// What the series of one tenant say.
  struct Facts {
    std::string resource_version;
    std::string server_name;
    std::string version;  ///< of the Synapse that runs
    std::string reason;   ///< why it is not ready; "" when it is
    bool stalled = false;
    bool resting = false;     ///< hibernated, fenced or paused on purpose
    bool up_to_date = false;  ///< the status is about the present spec
    double certificate_ends = 0;
    bool is_backed_up = false;  ///< it asks for backups; the rest of this is about them
    bool backups_are_well = false;
    double made = 0;
    double last_backup = 0;  ///< 0 while there is none; so are the others
    double backup_bytes = 0;
    double backup_seconds = 0;
    double last_drill = 0;
    double recovery_seconds = 0;
  };
  static Facts facts_of(const json& tenant);
  static void add_backup_facts(const json& tenant, Facts& facts);

  Tenants tenants_;
  /// Reading a tenant costs tens of microseconds, so it is done once for each state of it.
  mutable Locked<std::map<kube::Key, Facts>> known_;
};

}  // namespace alphorn::homeserver
