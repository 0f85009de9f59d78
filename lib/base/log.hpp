#pragma once

#include <string>
#include <string_view>

namespace alphorn {

/// From here on spdlog's default logger writes one JSON object a line to standard error:
/// {"time", "level", "message"}. `level` is trace, debug, info, warn, error or off.
/// Throws std::invalid_argument for another word. Call it before threads are started.
void log_as_json(std::string_view level);

/// What log_as_json() writes for one message, without the line break.
std::string json_log_line(std::string_view level, std::string_view time, std::string_view message);

}  // namespace alphorn
