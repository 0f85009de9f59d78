#include "kube/errors.hpp"

#include <charconv>

#include "base/encoding.hpp"

namespace alphorn::kube {
namespace {

std::optional<std::chrono::seconds> retry_after_of(const http::Response& response) {
  const auto header = response.headers.find("Retry-After");
  if (header == response.headers.end()) return std::nullopt;
  int seconds = 0;
  const std::string& text = header->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds{seconds};
}

bool has_cause(const json& status, const std::string& reason) {
  for (const json& cause : at_path(status, "details/causes")) {
    if (string_at(cause, "reason") == reason) return true;
  }
  return false;
}

}  // namespace

ApiError::ApiError(int status, std::string reason, const std::string& message,
                   std::optional<std::chrono::seconds> retry_after)
    : std::runtime_error(message),
      status_(status),
      reason_(std::move(reason)),
      retry_after_(retry_after) {}

ApiError error_from_status(const json& status, int http_status) {
  const int code = static_cast<int>(integer_at(status, "code", http_status));
  std::string reason = string_at(status, "reason");
  if (has_cause(status, "ResourceVersionTooLarge")) reason = "ResourceVersionTooLarge";
  std::string message = string_at(status, "message");
  if (message.empty()) message = reason.empty() ? "the API server gave no reason" : reason;
  std::optional<std::chrono::seconds> retry_after;
  if (const auto seconds = integer_at(status, "details/retryAfterSeconds"); seconds > 0) {
    retry_after = std::chrono::seconds{seconds};
  }
  return {code, std::move(reason), message, retry_after};
}

ApiError error_from_response(const http::Response& response) {
  const auto retry_after = retry_after_of(response);
  const json body = json::parse(response.body, nullptr, false);
  if (body.is_object() && string_at(body, "kind") == "Status") {
    const ApiError error = error_from_status(body, response.status);
    return {response.status, error.reason(), error.what(),
            retry_after ? retry_after : error.retry_after()};
  }
  // A proxy's page, or the server before it is ready: plain text, possibly long.
  constexpr std::size_t kLongest = 300;
  std::string text = shortened(response.body, kLongest);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return {response.status, "",
          "HTTP status " + std::to_string(response.status) + (text.empty() ? "" : ": " + text),
          retry_after};
}

void throw_if_failed(const http::Response& response) {
  if (response.status >= 400) throw error_from_response(response);
}

}  // namespace alphorn::kube
