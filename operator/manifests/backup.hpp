#pragma once

#include "manifests/tenant.hpp"

/// Nightly backups: a CronJob whose runs each write one set into the company's repository; see
/// docs/backup.md. What a set is and how it is written stands in scripts/backup/.
namespace alphorn::manifests {

/// The component label of a run and its pods.
inline constexpr const char* kBackup = "backup";
/// On the Job of a backup that was asked for by hand: the name of the HomeserverBackup.
inline constexpr const char* kBackupLabel = "alphorn.dev/backup";
/// The component label of a drill and its pod.
inline constexpr const char* kDrill = "drill";
/// Annotation of a drill's pod: which set it is about; "" for the newest.
inline constexpr const char* kSetWanted = "alphorn.dev/set";
/// Key of the Secret with the repository's password.
inline constexpr const char* kBackupPassword = "password";

std::string backup_name(const Tenant& tenant);  // acme-backup: CronJob, ConfigMap, Secret

std::string drill_name(const Tenant& tenant);  // acme-drill: CronJob, ConfigMap

/// The databases beside the homeserver's that go into a set, by their roles.
std::vector<std::string> other_roles(const Tenant& tenant);

/// It has backups, and the catalogue an image that makes them.
bool has_backup(const Tenant& tenant);

/// Everything is there that a run needs.
bool can_back_up(const Tenant& tenant);

Manifests backup(const Tenant& tenant);  // backup.cpp
Manifests drill(const Tenant& tenant);   // drill.cpp

}  // namespace alphorn::manifests
