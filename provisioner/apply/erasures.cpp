#include "apply/erasures.hpp"

#include <sstream>
#include <stdexcept>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

namespace alphorn::apply {
namespace {

constexpr mode_t kPrivate = 0600;
constexpr const char* kName = "erasures.jsonl";

/// "" when there is none yet.
std::string content_of(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return "";
  if (auto content = content_of_file(path)) return *std::move(content);
  throw std::runtime_error(path.string() + " cannot be read");
}

}  // namespace

void note_erasure(const std::filesystem::path& folder, const std::string& user_id) {
  const std::filesystem::path path = folder / kName;
  const json line = {{"account", sha256_hex(user_id)}};
  write_file(path, content_of(path) + line.dump() + "\n", kPrivate);
}

std::set<std::string> erased_among(const std::filesystem::path& folder,
                                   const std::set<std::string>& user_ids) {
  std::set<std::string> hashes;
  std::istringstream lines{content_of(folder / kName)};
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
    const std::string account = string_at(entry, "account");
    if (account.empty()) {
      throw std::runtime_error((folder / kName).string() +
                               " is damaged; restore it, or take the line away: " + line);
    }
    hashes.insert(account);
  }
  std::set<std::string> erased;
  if (hashes.empty()) return erased;
  for (const std::string& user : user_ids) {
    if (hashes.contains(sha256_hex(user))) erased.insert(user);
  }
  return erased;
}

}  // namespace alphorn::apply
