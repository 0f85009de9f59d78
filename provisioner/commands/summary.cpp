#include "commands/summary.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "base/encoding.hpp"

namespace alphorn::commands {
namespace {

constexpr std::size_t kMostBytes = 4096;
constexpr std::size_t kMostFailures = 3;
constexpr std::size_t kLongestFailure = 300;
constexpr std::size_t kLongestError = 1000;
constexpr std::size_t kShortError = 400;  // were every byte of it written as \u0000, it still fits
constexpr double kMillisecondsInSecond = 1000;

std::string dumped(const json& summary) {
  return summary.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

}  // namespace

json summary_of(const apply::Report& report, const directory::Directory& directory) {
  int done = 0;
  for (const auto& [action, count] : report.done) done += count;
  json failures = json::array();
  for (const apply::Failure& failure : report.failures) {
    if (failures.size() == kMostFailures) break;
    failures.push_back(shortened(failure.step + ": " + failure.error, kLongestFailure));
  }
  json summary = {{"result", report.result},
                  {"serverName", report.server_name},
                  {"people", directory.people.size()},
                  {"rooms", directory.rooms.size()},
                  {"planned", report.planned},
                  {"done", done},
                  {"failed", report.failures.size()},
                  {"requests", report.requests},
                  {"seconds", static_cast<double>(report.took.count()) / kMillisecondsInSecond}};
  if (!failures.empty()) summary["failures"] = std::move(failures);
  if (!report.error.empty()) summary["error"] = shortened(report.error, kLongestError);
  return summary;
}

json summary_of(const std::vector<directory::Problem>& problems) {
  return {{"result", "rejected"},
          {"error", problems.empty() ? "" : shortened(to_string(problems.front()), kLongestError)},
          {"problems", problems.size()}};
}

json summary_of_failure(const std::string& error) {
  return {{"result", "failed"}, {"error", shortened(error, kLongestError)}};
}

std::string as_last_words(json summary) {
  std::string text = dumped(summary);
  if (text.size() <= kMostBytes) return text;
  summary.erase("failures");
  text = dumped(summary);
  if (text.size() <= kMostBytes) return text;
  summary["error"] = shortened(string_at(summary, "error"), kShortError);
  return dumped(summary);
}

void leave_last_words(const std::string& file, const json& summary) {
  if (file.empty()) return;
  std::ofstream out{file};
  out << as_last_words(summary);
  if (!out.flush()) throw std::runtime_error(file + " cannot be written");
}

}  // namespace alphorn::commands
