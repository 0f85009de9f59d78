#include <algorithm>

#include "api/rules.hpp"

// Nightly backups: when, where to, and what stays of them.
namespace alphorn::api {
namespace {

// The schema's defaults once more; a contract test compares the two.
constexpr const char* kSchedule = "15 2 * * *";
constexpr const char* kDrillSchedule = "30 4 * * 0";
constexpr const char* kRegion = "us-east-1";

int number_or(const json& object, const char* path, int otherwise) {
  const json& value = at_path(object, path);
  return value.is_number_integer() ? value.get<int>() : otherwise;
}

Retention retention_from(const json& retention) {
  const Retention usual;
  return {.daily = number_or(retention, "daily", usual.daily),
          .weekly = number_or(retention, "weekly", usual.weekly),
          .monthly = number_or(retention, "monthly", usual.monthly),
          .yearly = number_or(retention, "yearly", usual.yearly)};
}

Drill drill_from(const json& drill) {
  const Drill usual;
  return {.schedule = string_or(drill, "schedule", kDrillSchedule),
          .suspended = at_path(drill, "suspend") == true,
          .media_sample = number_or(drill, "mediaSample", usual.media_sample),
          .read_percent = number_or(drill, "readPercent", usual.read_percent)};
}

void check_repository(Findings& findings, const BackupRepository& repository) {
  constexpr const char* kField = "spec.backup.repository";
  findings.check(repository.bucket.empty() != repository.claim_name.empty(), kField,
                 "give exactly one of repository.s3 and repository.volume");
  if (repository.bucket.empty()) {
    return findings.check(repository.claim_name.empty() || is_object_name(repository.claim_name),
                          kField, R"(volume.claimName must hold only a-z, 0-9, "-" and ".")");
  }
  check_bucket_address(findings, kField,
                       {.bucket = repository.bucket,
                        .region = repository.region,
                        .endpoint = repository.endpoint,
                        .prefix = repository.prefix,
                        .secret_name = repository.secret_name},
                       "acme/backup/");
  findings.check(
      std::all_of(repository.networks.begin(), repository.networks.end(), is_network), kField,
      "s3.networks must hold networks with a prefix of at least 8 bits, such as 10.20.0.0/16");
}

}  // namespace

BackupRepository backup_repository_from(const json& repository) {
  const json& s3 = at_path(repository, "s3");
  return {.bucket = string_at(s3, "bucket"),
          .region = string_or(s3, "region", kRegion),
          .endpoint = string_at(s3, "endpoint"),
          .prefix = string_at(s3, "prefix"),
          .secret_name = string_at(s3, "secretRef/name"),
          .networks = texts_at(s3, "networks"),
          .claim_name = string_at(repository, "volume/claimName")};
}

std::optional<Backup> backup_from(const json& backup) {
  if (!backup.is_object()) return std::nullopt;
  const Backup usual;
  return Backup{.repository = backup_repository_from(at_path(backup, "repository")),
                .schedule = string_or(backup, "schedule", kSchedule),
                .time_zone = string_at(backup, "timeZone"),
                .suspended = at_path(backup, "suspend") == true,
                .jitter_minutes = number_or(backup, "jitterMinutes", usual.jitter_minutes),
                .retention = retention_from(at_path(backup, "retention")),
                .client_key_secret = string_at(backup, "clientKey/secretRef/name"),
                .drill = drill_from(at_path(backup, "drill"))};
}

void check_backup(Findings& findings, const Backup& backup) {
  check_repository(findings, backup.repository);
  const Retention& kept = backup.retention;
  findings.check(kept.daily + kept.weekly + kept.monthly + kept.yearly > 0, "spec.backup.retention",
                 "backup.retention must keep something: daily, weekly, monthly or yearly");
  findings.check(backup.jitter_minutes >= 0 && backup.jitter_minutes <= 240,
                 "spec.backup.jitterMinutes", "backup.jitterMinutes must be between 0 and 240");
}

}  // namespace alphorn::api
