#pragma once

#include "homeserver/components.hpp"

/// Nightly backups as a homeserver sees them: what goes into a set, and how the last ones went.
namespace alphorn::homeserver {

/// Fills in what of the world goes into a backup; `object` is the CompanyHomeserver as the API
/// server has it.
void observe_backup(World& world, const json& object);

bool wants_backup(const manifests::Tenant& tenant);

/// Whether runs can be made. What is wrong with it keeps nobody from talking: the component is
/// ready all the same, and says so; backup_health() is about what came of them.
Readiness backup_ready(const World& world);

/// The condition BackupHealthy; `ready` says whether it is true.
Readiness backup_health(const World& world);

/// The condition BackupVerified, about drills.
Readiness backup_verified(const World& world);

/// status.backup; empty while there is nothing to tell.
json backup_status(const World& world);

/// Its repository's password may be drawn: nothing was encrypted by another one.
bool is_new_password_of_backup(const World& world, const std::string& secret_name);

}  // namespace alphorn::homeserver
