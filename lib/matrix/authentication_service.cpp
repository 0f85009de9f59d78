#include "matrix/authentication_service.hpp"

#include "base/encoding.hpp"

namespace alphorn::matrix {

namespace {

constexpr int kNotFound = 404;
constexpr int kNoContent = 204;
constexpr const char* kUsers = "/api/admin/v1/users";

http::Request post(const std::string& target, const json& body) {
  return {.method = "POST",
          .target = target,
          .headers = {{"Content-Type", "application/json"}},
          .body = body.dump()};
}

/// {"errors": [{"title": ...}]} of the API, {"error", "error_description"} of OAuth.
std::string problem_in(const json& body) {
  for (const json& error : at_path(body, "errors")) return string_at(error, "title");
  const std::string description = string_at(body, "error_description");
  return description.empty() ? string_at(body, "error") : description;
}

}  // namespace

AuthenticationService::AuthenticationService(std::shared_ptr<http::Transport> transport,
                                             std::string client_id, Secret client_secret)
    : transport_(std::move(transport)),
      client_id_(std::move(client_id)),
      client_secret_(std::move(client_secret)) {}

json AuthenticationService::call(http::Request request, std::stop_token stop) const {
  const std::string what = request.method + " " + request.target;
  const http::Response response = transport_->send(request, stop);
  json body = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (response.status >= 400) {
    throw ApiError(
        response.status, string_at(body, "error"),
        what + " was answered with " + std::to_string(response.status) + ": " + problem_in(body));
  }
  if (body.is_discarded() && response.status != kNoContent) {
    throw ApiError(response.status, "", what + " was not answered with JSON");
  }
  return body;
}

Secret AuthenticationService::access_token(std::stop_token stop) const {
  const std::string credentials = base64_encode(client_id_ + ":" + client_secret_.reveal());
  const json answer = call({.method = "POST",
                            .target = "/oauth2/token",
                            .headers = {{"Authorization", "Basic " + credentials},
                                        {"Content-Type", "application/x-www-form-urlencoded"}},
                            .body = "grant_type=client_credentials&scope=urn%3Amas%3Aadmin"},
                           stop);
  return Secret(string_at(answer, "access_token"));
}

void AuthenticationService::ensure_administrator(const std::string& localpart,
                                                 const Secret& password, Password policy,
                                                 std::stop_token stop) const {
  const std::string authorization = "Bearer " + access_token(stop).reveal();
  const auto ask = [&](http::Request request) {
    request.headers["Authorization"] = authorization;
    return call(std::move(request), stop);
  };
  std::string id;
  try {
    const std::string by_name = std::string{kUsers} + "/by-username/" + percent_encode(localpart);
    id = string_at(ask({.target = by_name}), "data/id");
  } catch (const ApiError& error) {
    if (error.status() != kNotFound) throw;
  }
  const bool is_new = id.empty();
  if (is_new) id = string_at(ask(post(kUsers, {{"username", localpart}})), "data/id");
  const std::string user = std::string{kUsers} + "/" + percent_encode(id);
  if (policy == Password::of_any || (is_new && policy == Password::of_new_accounts)) {
    // Drawn as it is, it needs no judge of how hard it is to guess.
    ask(post(user + "/set-password",
             {{"password", password.reveal()}, {"skip_password_check", true}}));
  }
  ask(post(user + "/set-admin", {{"admin", true}}));
}

}  // namespace alphorn::matrix
