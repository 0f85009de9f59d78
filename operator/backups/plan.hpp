#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/homeserver_backup.hpp"
#include "base/clock.hpp"
#include "homeserver/world.hpp"

/// Makes a HomeserverBackup of each run of a company's schedule, and a run of each that somebody
/// created; tells what came of them, and forgets those whose sets are gone. The same of drills,
/// which are HomeserverRestores.
namespace alphorn::backups {

/// All runs of one sort.
struct Line {
  std::string kind;                                    ///< HomeserverBackup or HomeserverRestore
  std::optional<homeserver::ObjectPtr> cron_job = {};  ///< whose template every run is made by
  std::vector<homeserver::ObjectPtr> jobs = {};
  std::vector<homeserver::ObjectPtr> pods = {};
  std::vector<api::HomeserverRun> runs = {};
};

/// Everything a pass may decide on, seen at one moment. Plain data.
struct World {
  std::string ns;
  std::string homeserver;  ///< name of the CompanyHomeserver
  TimePoint seen_at;
  bool is_there = false;  ///< the CompanyHomeserver
  bool is_hibernated = false;
  std::string setup;  ///< what its condition BackupReady says
  Line backups;
  Line drills;
};

/// The status of one of them as it is to be.
struct Telling {
  api::HomeserverRun run;
  json status;
};

/// What a pass does, in this order.
struct Plan {
  std::vector<json> create;  ///< Jobs and resources of ours
  std::vector<Telling> tell;
  std::vector<api::HomeserverRun> remove;
};

/// The steps from what is to what should be. Pure.
Plan make_plan(const World& world);

}  // namespace alphorn::backups
