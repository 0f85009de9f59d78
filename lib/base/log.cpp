#include "base/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <stdexcept>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace alphorn {
namespace {

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto level = spdlog::level::to_string_view(message.level);
    const std::string line =
        json_log_line({level.data(), level.size()}, format_micro_time(message.time),
                      {message.payload.data(), message.payload.size()});
    out.append(line.data(), line.data() + line.size());
    out.push_back('\n');
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

}  // namespace

void log_as_json(std::string_view level) {
  const std::string name{level};
  const auto parsed = spdlog::level::from_str(name);
  // from_str answers "off" for every word that it does not know.
  if (parsed == spdlog::level::off && name != "off") {
    throw std::invalid_argument("log level \"" + name +
                                "\" is not one of trace, debug, info, warn, error, off");
  }
  auto logger = std::make_shared<spdlog::logger>("alphorn",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<JsonFormatter>());
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

std::string json_log_line(std::string_view level, std::string_view time, std::string_view message) {
  // Bytes that are no UTF-8 (a server's error page) are replaced, not thrown over.
  const auto quoted = [](std::string_view text) {
    return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  };
  return "{\"time\":" + quoted(time) + ",\"level\":" + quoted(level) +
         ",\"message\":" + quoted(message) + "}";
}

}  // namespace alphorn
