#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "directory/directory.hpp"

namespace alphorn::directory {

/// A directory, or what is wrong with its document; never both.
struct Reading {
  Directory directory;
  std::vector<Problem> problems;
};

/// Content of a file that a document names ("staff.csv"); nothing when there is none.
using Load = std::function<std::optional<std::string>(const std::string& name)>;

/// Reads, resolves and checks a document. `file` is what problems call it. Pure but for `load`.
Reading read(const std::string& file, std::string_view text, const Load& load);

/// The same from disk; files that it names lie beside it. Throws std::runtime_error when `path`
/// cannot be read.
Reading read_file(const std::string& path);

/// A Matrix localpart of the provisioner's own account: nobody of a document may have it.
inline constexpr const char* kOwnLocalpart = "alphorn";

}  // namespace alphorn::directory
