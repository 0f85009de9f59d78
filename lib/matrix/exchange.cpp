#include "matrix/exchange.hpp"

#include <charconv>

#include "matrix/api_error.hpp"

namespace alphorn::matrix {
namespace {

/// Both forms: the header counts seconds; the field, deprecated since v1.10, milliseconds.
std::chrono::milliseconds retry_after(const http::Response& response, const json& body) {
  if (const auto found = response.headers.find("Retry-After"); found != response.headers.end()) {
    int seconds = 0;
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error == std::errc{} && seconds >= 0) return std::chrono::seconds(seconds);
  }
  return std::chrono::milliseconds(integer_at(body, "retry_after_ms"));
}

}  // namespace

json exchange(http::Transport& transport, http::Request request, std::stop_token stop) {
  if (!request.body.empty()) request.headers["Content-Type"] = "application/json";
  const std::string what = request.method + " " + request.target;
  const http::Response response = transport.send(request, std::move(stop));
  json body = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (response.status >= 400) {
    throw ApiError(response.status, string_at(body, "errcode"),
                   what + " was answered with " + std::to_string(response.status) + " " +
                       string_at(body, "errcode") + ": " + string_at(body, "error"),
                   retry_after(response, body));
  }
  if (body.is_discarded()) {
    throw ApiError(response.status, "", what + " was not answered with JSON");
  }
  return body;
}

}  // namespace alphorn::matrix
