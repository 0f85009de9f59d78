#include "matrix/exchange.hpp"

#include <charconv>

#include "matrix/api_error.hpp"

namespace alphorn::matrix {
namespace {

constexpr int kNoContent = 204;

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

/// A refusal as the server words it.
struct Refusal {
  std::string code;
  std::string text;
};

/// Matrix says {"errcode", "error"}, OAuth {"error", "error_description"}, and Matrix
/// Authentication Service's API of administrators {"errors": [{"title"}]}.
Refusal refusal_in(const json& body) {
  for (const json& error : at_path(body, "errors")) return {"", string_at(error, "title")};
  if (const std::string text = string_at(body, "error_description"); !text.empty()) {
    return {string_at(body, "error"), text};
  }
  return {string_at(body, "errcode"), string_at(body, "error")};
}

}  // namespace

json exchange(http::Transport& transport, http::Request request, std::stop_token stop) {
  if (!request.body.empty()) request.headers.try_emplace("Content-Type", "application/json");
  const std::string what = request.method + " " + request.target;
  const http::Response response = transport.send(request, std::move(stop));
  json body = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (response.status >= 400) {
    const auto [code, text] = refusal_in(body);
    throw ApiError(response.status, code,
                   what + " was answered with " + std::to_string(response.status) +
                       (code.empty() ? "" : " " + code) + ": " + text,
                   retry_after(response, body));
  }
  if (response.status == kNoContent) return nullptr;
  if (body.is_discarded()) {
    throw ApiError(response.status, "", what + " was not answered with JSON");
  }
  return body;
}

}  // namespace alphorn::matrix
