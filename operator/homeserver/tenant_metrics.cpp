#include "homeserver/tenant_metrics.hpp"

#include <chrono>

namespace alphorn::homeserver {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using Labels = std::vector<ClientMetric::Label>;

/// A family of gauges; series without a value are left out.
MetricFamily gauges(const char* name, const char* help) {
  return {.name = name, .help = help, .type = prometheus::MetricType::Gauge, .metric = {}};
}

void add(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

const json& condition(const json& status, const char* type) {
  static const json kNone;
  for (const json& one : at_path(status, "conditions")) {
    if (string_at(one, "type") == type) return one;
  }
  return kNone;
}

double seconds(TimePoint time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// 0 for what is no time.
double seconds_at(const json& object, const char* path) {
  const auto time = parse_time(string_at(object, path));
  return time ? seconds(*time) : 0;
}

/// What is told of backups; a company without any has no series.
struct BackupFamilies {
  MetricFamily healthy =
      gauges("alphorn_backup_healthy", "0 while the last backup failed, or none can be made");
  MetricFamily success =
      gauges("alphorn_backup_last_success_timestamp_seconds",
             "When the last backup that succeeded was finished, or the company was made");
  MetricFamily bytes = gauges("alphorn_backup_size_bytes", "Its size, before it was packed");
  MetricFamily duration = gauges("alphorn_backup_duration_seconds", "How long it took");
  MetricFamily verified =
      gauges("alphorn_backup_last_verified_timestamp_seconds",
             "When a backup was last proven by a restore, or the company was made");
  MetricFamily recovery = gauges("alphorn_backup_recovery_seconds",
                                 "How long that restore took until a homeserver answered");
};

}  // namespace

TenantMetrics::Facts TenantMetrics::facts_of(const json& tenant) {
  const json& status = at_path(tenant, "status");
  const json& ready = condition(status, "Ready");
  Facts facts{.server_name = string_at(tenant, "spec/serverName"),
              .version = string_at(status, "version")};
  if (string_at(ready, "status") != "True") {
    facts.reason = string_at(ready, "reason");
    if (facts.reason.empty()) facts.reason = "Unseen";
  }
  facts.stalled = string_at(condition(status, "Stalled"), "status") == "True";
  for (const char* wish : {"spec/hibernated", "spec/fenced", "spec/paused"}) {
    facts.resting = facts.resting || at_path(tenant, wish) == true;
  }
  facts.up_to_date =
      integer_at(status, "observedGeneration") == integer_at(tenant, "metadata/generation");
  if (const auto end = parse_time(string_at(status, "certificate/notAfter"))) {
    facts.certificate_ends = seconds(*end);
  }
  add_backup_facts(tenant, facts);
  return facts;
}

void TenantMetrics::add_backup_facts(const json& tenant, Facts& facts) {
  facts.is_backed_up = at_path(tenant, "spec/backup").is_object();
  if (!facts.is_backed_up) return;
  const json& status = at_path(tenant, "status");
  const json& health = condition(status, "BackupHealthy");
  // The first one is made by the schedule: a company of today is not ill.
  facts.backups_are_well =
      string_at(health, "status") == "True" || string_at(health, "reason") == "NoBackupYet";
  facts.made = seconds_at(tenant, "metadata/creationTimestamp");
  facts.last_backup = seconds_at(status, "backup/lastSuccess");
  facts.backup_bytes = static_cast<double>(integer_at(status, "backup/bytes"));
  facts.backup_seconds = static_cast<double>(integer_at(status, "backup/seconds"));
  facts.last_drill = seconds_at(status, "backup/lastVerified");
  facts.recovery_seconds = static_cast<double>(integer_at(status, "backup/recoverySeconds"));
}

std::vector<MetricFamily> TenantMetrics::collect() const {
  MetricFamily info = gauges("alphorn_tenant_info", "What a tenant is called and runs; always 1");
  MetricFamily ready = gauges("alphorn_tenant_ready", "1 while the tenant is Ready");
  MetricFamily reason = gauges("alphorn_tenant_not_ready_reason", "Why it is not; 1");
  MetricFamily stalled = gauges("alphorn_tenant_stalled", "1 while only a person can mend it");
  MetricFamily resting =
      gauges("alphorn_tenant_resting", "1 while it is hibernated, fenced or paused on purpose");
  MetricFamily up_to_date =
      gauges("alphorn_tenant_up_to_date", "1 while its status is about its present spec");
  MetricFamily certificate = gauges("alphorn_tenant_certificate_expiry_timestamp_seconds",
                                    "When the certificate that people see ends");

  BackupFamilies backups;
  const auto add_backups = [&](const Labels& labels, const Facts& facts) {
    if (!facts.is_backed_up) return;
    add(backups.healthy, labels, facts.backups_are_well ? 1 : 0);
    // Ages count from when the company was made, while there is nothing else to count from.
    add(backups.success, labels, facts.last_backup > 0 ? facts.last_backup : facts.made);
    add(backups.verified, labels, facts.last_drill > 0 ? facts.last_drill : facts.made);
    if (facts.last_backup > 0) add(backups.bytes, labels, facts.backup_bytes);
    if (facts.last_backup > 0) add(backups.duration, labels, facts.backup_seconds);
    if (facts.last_drill > 0) add(backups.recovery, labels, facts.recovery_seconds);
  };

  known_.with([&](auto& known) {
    std::map<kube::Key, Facts> present;
    for (const controller::ObjectPtr& tenant : tenants_()) {
      const kube::Key& key = tenant->key();
      const auto found = known.find(key);
      const bool is_known =
          found != known.end() && found->second.resource_version == tenant->resource_version();
      Facts facts = is_known ? std::move(found->second) : facts_of(tenant->read());
      facts.resource_version = tenant->resource_version();

      const Labels labels{{"namespace", key.ns}, {"name", key.name}};
      Labels details = labels;
      details.push_back({"server_name", facts.server_name});
      details.push_back({"version", facts.version});
      add(info, std::move(details), 1);
      add(ready, labels, facts.reason.empty() ? 1 : 0);
      if (!facts.reason.empty()) {
        Labels why = labels;
        why.push_back({"reason", facts.reason});
        add(reason, std::move(why), 1);
      }
      add(stalled, labels, facts.stalled ? 1 : 0);
      add(resting, labels, facts.resting ? 1 : 0);
      add(up_to_date, labels, facts.up_to_date ? 1 : 0);
      if (facts.certificate_ends > 0) add(certificate, labels, facts.certificate_ends);
      add_backups(labels, facts);
      present.emplace(key, std::move(facts));
    }
    known = std::move(present);
  });
  return {info,
          ready,
          reason,
          stalled,
          resting,
          up_to_date,
          certificate,
          backups.healthy,
          backups.success,
          backups.bytes,
          backups.duration,
          backups.verified,
          backups.recovery};
}

}  // namespace alphorn::homeserver
