#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace alphorn {

/// A file's content; nothing when it cannot be opened.
std::optional<std::string> content_of_file(const std::filesystem::path& path);

/// Writes a file whole or not at all, by way of PATH.draft beside it; it is on disk when this
/// returns. The draft has `mode` (less the process's umask) from its beginning. Throws
/// std::runtime_error that names the file.
void write_file(const std::filesystem::path& path, const std::string& bytes, mode_t mode);

/// The same of a file that must be new: false, and nothing is written, when there is one.
bool write_new_file(const std::filesystem::path& path, const std::string& bytes, mode_t mode);

}  // namespace alphorn
