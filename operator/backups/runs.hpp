#pragma once

#include <set>
#include <string>
#include <vector>

#include "api/homeserver_backup.hpp"
#include "homeserver/world.hpp"

/// What Jobs that make backups or drill them, and the last words of their pods, tell.
namespace alphorn::backups {

bool has_ended(const json& job);
/// RFC 3339; "" while it has not.
std::string ended_at(const json& job);

/// The status of the backup or the drill that this Job makes.
json status_of_run(const json& job, const std::vector<homeserver::ObjectPtr>& pods,
                   const api::HomeserverRun& run);

/// Sets that were in the repository when it was over; empty when it does not tell.
std::set<std::string> sets_after(const json& job, const std::vector<homeserver::ObjectPtr>& pods);

}  // namespace alphorn::backups
