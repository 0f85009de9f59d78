#pragma once

#include <map>
#include <string>

#include "base/secret.hpp"

namespace alphorn::sheets {

/// Names to contents.
using Files = std::map<std::string, Secret>;

/// A tar archive (pax) of them, in memory, each of mode 0600.
Secret archive_of(const Files& files);

/// The files of such an archive. Throws std::runtime_error for one that is damaged or holds
/// anything but plain files without a path.
Files files_of(const Secret& archive);

}  // namespace alphorn::sheets
