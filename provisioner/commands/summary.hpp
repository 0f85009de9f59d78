#pragma once

#include <string>
#include <vector>

#include "apply/report.hpp"
#include "base/json.hpp"
#include "directory/directory.hpp"

namespace alphorn::commands {

/// What a run came to, in so few words that Kubernetes keeps them as a container's last ones
/// (4096 bytes). The report has the rest.
json summary_of(const apply::Report& report, const directory::Directory& directory);

/// Of a document that was rejected; the first problem stands for all.
json summary_of(const std::vector<directory::Problem>& problems);

/// Of a run that could not begin.
json summary_of_failure(const std::string& error);

/// The text of a summary, at most 4096 bytes of it: failures are left out, then words cut.
std::string as_last_words(json summary);

/// Writes it to `file`, which may be a device; "" writes nothing. Throws std::runtime_error that
/// names the file.
void leave_last_words(const std::string& file, const json& summary);

}  // namespace alphorn::commands
