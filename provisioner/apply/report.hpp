#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "apply/apply.hpp"
#include "base/json.hpp"

namespace alphorn::apply {

/// What a run came to. Names, numbers and errors of the server; never a password.
struct Report {
  std::string server_name;
  std::string result;  ///< done | failures | interrupted | refused
  std::string error;   ///< why it was interrupted or refused
  int planned = 0;
  std::map<std::string, int> done;  ///< by action
  std::vector<Failure> failures;
  std::vector<std::string> notes;
  int requests = 0;
  int writes = 0;
  int limited = 0;  ///< how often the server asked for patience
  std::chrono::milliseconds took{};
};

json as_json(const Report& report);
std::string as_markdown(const Report& report);

/// Writes report.json and report.md into `folder`, each as a whole or not at all.
void write(const Report& report, const std::filesystem::path& folder);

}  // namespace alphorn::apply
