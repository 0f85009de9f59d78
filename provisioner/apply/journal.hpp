#pragma once

#include <chrono>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>

namespace alphorn::apply {

/// What was begun and not seen to end, in a file that outlives a killed process: which accounts
/// were being created. It holds names, never passwords. One process at a time has it; a second one
/// is told so. Thread-safe.
class Journal {
 public:
  /// Opens or makes `folder`/journal.jsonl (mode 0600) and keeps it locked. Throws
  /// std::runtime_error when another process has it or it cannot be written.
  explicit Journal(const std::filesystem::path& folder);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Accounts whose creation a former process had asked for, without an answer. The server may be
  /// at it still.
  const std::set<std::string>& unanswered() const { return unanswered_; }

  void asked(const std::string& user_id);
  void answered(const std::string& user_id);

  /// The account was erased: noted beside the journal (apply/erasures.hpp), and never cleared.
  void erased(const std::string& user_id);

  /// Nothing is under way: the file is empty again, unless something was not answered.
  void clear();

 private:
  void append(const char* what, const std::string& user_id);

  const std::filesystem::path folder_;
  int file_ = -1;
  std::mutex mutex_;
  std::set<std::string> unanswered_;
  std::set<std::string> pending_;  ///< of this process
};

}  // namespace alphorn::apply
