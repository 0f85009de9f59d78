#pragma once

#include <optional>
#include <string>
#include <vector>

#include "homeserver/plan.hpp"

/// The end of a tenant whose data and keys go with it (deletionPolicy Delete or FinalBackup).
/// Pure;
/// docs/lifecycle.md tells what a person sees of it.
namespace alphorn::homeserver {

/// The finalizers that a resource should have; nothing when it has them. Ours is added before
/// anything may be erased, and taken away when nothing may be any more.
std::optional<std::vector<std::string>> wanted_finalizers(const api::CompanyHomeserver& resource);

/// The same without ours.
std::vector<std::string> other_finalizers(const api::CompanyHomeserver& resource);

/// What is still there of a tenant that goes.
struct Rest {
  std::vector<Step> steps;
  std::string waits_for;  ///< stable words; "" when nothing is left to wait for
};

/// A backup that has to be complete before anything stops.
struct LastBackup {
  json manifest;          ///< the HomeserverBackup
  bool is_there = false;  ///< it was made already
  std::string waits_for;  ///< stable words
};

/// Nothing when none is asked for, or it is complete.
std::optional<LastBackup> last_backup_of(const World& world);

/// First everything that runs stops, then the volumes go, and when they are gone the keys: at no
/// moment is there data without its keys.
Rest rest_of(const World& world);

}  // namespace alphorn::homeserver
