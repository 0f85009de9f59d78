#include "apply/erasures.hpp"

#include <fstream>
#include <stdexcept>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

namespace alphorn::apply {
namespace {

constexpr mode_t kPrivate = 0600;
constexpr const char* kName = "erasures.jsonl";

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void note_erasure(const std::filesystem::path& folder, const std::string& user_id) {
  const std::filesystem::path path = folder / kName;
  const json line = {{"account", sha256_hex(user_id)}};
  write_file(path, content_of(path) + line.dump() + "\n", kPrivate);
}

std::set<std::string> back_from_erasure(const std::filesystem::path& folder,
                                        const std::map<std::string, plan::LiveAccount>& accounts) {
  std::set<std::string> hashes;
  std::ifstream lines{folder / kName};
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!hashes.insert(string_at(entry, "account")).second || !hashes.contains("")) continue;
    throw std::runtime_error((folder / kName).string() +
                             " is damaged; restore it, or take the line away: " + line);
  }
  std::set<std::string> back;
  if (hashes.empty()) return back;
  for (const auto& [user, account] : accounts) {
    if (!account.deactivated && hashes.contains(sha256_hex(user))) back.insert(user);
  }
  return back;
}

}  // namespace alphorn::apply
