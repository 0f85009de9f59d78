#include "kube/credentials.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace alphorn::kube {
namespace {

constexpr std::chrono::seconds kReadAgainAfter{60};

}  // namespace

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || file.bad()) throw std::runtime_error("cannot read " + path);
  return text.str();
}

TokenFile::TokenFile(std::string path, const Clock& clock, ReadFile read)
    : path_(std::move(path)), clock_(clock), read_(std::move(read)) {}

Secret TokenFile::token() {
  return kept_.with([&](Kept& kept) {
    const auto now = clock_.now();
    if (!kept.token.empty() && now - kept.read_at < kReadAgainAfter) return kept.token;
    try {
      Secret fresh{trimmed(read_(path_))};
      if (fresh.empty()) throw std::runtime_error(path_ + " holds no token");
      kept.token = std::move(fresh);
    } catch (const std::exception&) {
      if (kept.token.empty()) throw;
    }
    kept.read_at = now;
    return kept.token;
  });
}

void TokenFile::drop() {
  kept_.with([](Kept& kept) { kept.token = Secret{}; });
}

void TokenFile::authorize(http::Headers& headers) {
  headers["Authorization"] = "Bearer " + token().reveal();
}

}  // namespace alphorn::kube
