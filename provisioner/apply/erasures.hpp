#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace alphorn::apply {

/// Accounts that were erased, in a file beside the journal: erasures.jsonl, by hash, so that who
/// asked to be forgotten is not named. The server's own memory comes back with a backup that is
/// older than the erasure; this file does not, and the next run erases those of its accounts again.

/// Adds one; it is on disk when this returns. Throws std::runtime_error.
void note_erasure(const std::filesystem::path& folder, const std::string& user_id);

/// Which of these people, by user id, were erased once. Throws std::runtime_error when the file
/// cannot be read, or is damaged.
std::set<std::string> erased_among(const std::filesystem::path& folder,
                                   const std::set<std::string>& user_ids);

}  // namespace alphorn::apply
