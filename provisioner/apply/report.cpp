#include "apply/report.hpp"

#include <iomanip>
#include <sstream>

#include "base/file.hpp"

namespace alphorn::apply {
namespace {

constexpr mode_t kReadable = 0644;
constexpr double kMillisecondsInSecond = 1000;

std::string seconds(std::chrono::milliseconds took) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1)
       << static_cast<double>(took.count()) / kMillisecondsInSecond;
  return text.str();
}

}  // namespace

json as_json(const Report& report) {
  json failures = json::array();
  for (const Failure& failure : report.failures) {
    failures.push_back({{"step", failure.step}, {"error", failure.error}});
  }
  json result = {{"serverName", report.server_name},
                 {"result", report.result},
                 {"planned", report.planned},
                 {"done", report.done},
                 {"failures", std::move(failures)},
                 {"notes", report.notes},
                 {"requests", report.requests},
                 {"writes", report.writes},
                 {"rateLimited", report.limited},
                 {"seconds", static_cast<double>(report.took.count()) / kMillisecondsInSecond}};
  if (!report.error.empty()) result["error"] = report.error;
  return result;
}

std::string as_markdown(const Report& report) {
  std::string text = "# " + report.server_name + ": " + report.result + "\n\n";
  if (!report.error.empty()) text += report.error + "\n\n";
  int done = 0;
  for (const auto& [action, count] : report.done) done += count;
  text += std::to_string(done) + " of " + std::to_string(report.planned) + " steps in " +
          seconds(report.took) + " s, " + std::to_string(report.requests) + " requests.\n";
  if (!report.done.empty()) text += "\n| step | number |\n|---|---|\n";
  for (const auto& [action, count] : report.done) {
    text += "| " + action + " | " + std::to_string(count) + " |\n";
  }
  if (!report.failures.empty()) text += "\n## Failures\n\n";
  for (const Failure& failure : report.failures) {
    text += "- " + failure.step + ": " + failure.error + "\n";
  }
  if (!report.notes.empty()) text += "\n## Notes\n\n";
  for (const std::string& note : report.notes) text += "- " + note + "\n";
  return text;
}

void write(const Report& report, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_file(folder / "report.json", as_json(report).dump(2) + "\n", kReadable);
  write_file(folder / "report.md", as_markdown(report), kReadable);
}

}  // namespace alphorn::apply
