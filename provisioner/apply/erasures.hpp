#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "plan/live.hpp"

namespace alphorn::apply {

/// Accounts that were erased, in a file beside the journal: erasures.jsonl, by hash, so that who
/// asked to be forgotten is not named. The server's own memory comes back with a backup that is
/// older than the erasure; this file does not, and the next run erases those accounts again.

/// Adds one; it is on disk when this returns. Throws std::runtime_error.
void note_erasure(const std::filesystem::path& folder, const std::string& user_id);

/// Which of the server's accounts were erased and are there again. Throws std::runtime_error when
/// the file is damaged.
std::set<std::string> back_from_erasure(const std::filesystem::path& folder,
                                        const std::map<std::string, plan::LiveAccount>& accounts);

}  // namespace alphorn::apply
