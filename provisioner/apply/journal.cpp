#include "apply/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "apply/erasures.hpp"
#include "base/json.hpp"

namespace alphorn::apply {

Journal::Journal(const std::filesystem::path& folder) : folder_(folder) {
  std::filesystem::create_directories(folder);
  const std::filesystem::path path = folder / "journal.jsonl";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) {
    throw std::runtime_error(path.string() +
                             " cannot be opened: " + std::generic_category().message(errno));
  }
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    ::close(file_);
    throw std::runtime_error(path.string() + " is in use: another run is under way");
  }
  std::ifstream lines{path};
  for (std::string line; std::getline(lines, line);) {
    // The last line may be half written: it was not acted upon then.
    const json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (const std::string user = string_at(entry, "asked"); !user.empty()) unanswered_.insert(user);
    unanswered_.erase(string_at(entry, "answered"));
  }
}

Journal::~Journal() { ::close(file_); }

void Journal::append(const char* what, const std::string& user_id) {
  const std::string line = json{{what, user_id}}.dump() + "\n";
  if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw std::runtime_error("the journal cannot be written: " +
                             std::generic_category().message(errno));
  }
}

void Journal::asked(const std::string& user_id) {
  const std::scoped_lock lock{mutex_};
  pending_.insert(user_id);
  append("asked", user_id);
}

void Journal::answered(const std::string& user_id) {
  const std::scoped_lock lock{mutex_};
  pending_.erase(user_id);
  append("answered", user_id);
}

void Journal::erased(const std::string& user_id) {
  const std::scoped_lock lock{mutex_};
  note_erasure(folder_, user_id);
}

void Journal::clear() {
  const std::scoped_lock lock{mutex_};
  if (!pending_.empty()) return;
  if (::ftruncate(file_, 0) != 0) {
    throw std::runtime_error("the journal cannot be cleared: " +
                             std::generic_category().message(errno));
  }
}

}  // namespace alphorn::apply
