#pragma once

#include <cstdint>
#include <string>

#include "base/json.hpp"

namespace alphorn::api {

/// One backup set, or one restore of one: made by the schedule, or asked for by hand. Both have the
/// same life. Fields are as Kubernetes tells them.
struct HomeserverRun {
  std::string kind;  ///< HomeserverBackup or HomeserverRestore
  std::string name;
  std::string ns;
  std::string uid;
  std::int64_t generation = 0;
  bool deleting = false;
  std::string homeserver;   ///< name of the CompanyHomeserver
  std::string job;          ///< of the schedule's, the Job that does it; "" when asked for by hand
  bool legal_hold = false;  ///< of a backup
  std::string set;          ///< of a restore: which one; "" for the newest
  json status = json::object();  ///< as last written
};

inline constexpr const char* kHomeserverBackup = "HomeserverBackup";
inline constexpr const char* kHomeserverRestore = "HomeserverRestore";

/// Reads a custom resource of that kind. What is missing or of a wrong kind is read as its default.
HomeserverRun homeserver_run_from(const json& object, const char* kind);

}  // namespace alphorn::api
