#include "matrix/session.hpp"

#include "matrix/exchange.hpp"

namespace alphorn::matrix {

Session::Session(std::shared_ptr<http::Transport> transport, Secret token)
    : transport_(std::move(transport)), token_(std::move(token)) {}

json Session::send(http::Request request, std::stop_token stop) const {
  request.headers["Authorization"] = "Bearer " + token_.reveal();
  return exchange(*transport_, std::move(request), std::move(stop));
}

void Session::log_out(std::stop_token stop) const {
  post("/_matrix/client/v3/logout", json::object(), std::move(stop));
}

Session log_in(std::shared_ptr<http::Transport> transport, const std::string& localpart,
               const Secret& password, const std::string& device_name, std::stop_token stop) {
  const json body = {{"type", "m.login.password"},
                     {"identifier", {{"type", "m.id.user"}, {"user", localpart}}},
                     {"password", password.reveal()},
                     {"initial_device_display_name", device_name}};
  const json answer = exchange(
      *transport, {.method = "POST", .target = "/_matrix/client/v3/login", .body = body.dump()},
      std::move(stop));
  return {std::move(transport), Secret(string_at(answer, "access_token"))};
}

}  // namespace alphorn::matrix
