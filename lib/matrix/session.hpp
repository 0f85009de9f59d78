#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "http/transport.hpp"
#include "matrix/api_error.hpp"
#include "matrix/json_api.hpp"

namespace alphorn::matrix {

/// A logged-in account on one homeserver.
class Session final : public JsonApi {
 public:
  Session(std::shared_ptr<http::Transport> transport, Secret token);

  /// Ends the session: the token is void afterwards (POST /logout).
  void log_out(std::stop_token stop) const;

 private:
  json send(http::Request request, std::stop_token stop) const override;

  std::shared_ptr<http::Transport> transport_;
  Secret token_;
};

/// Logs an account in with its password; a new device called `device_name` stands for the session.
Session log_in(std::shared_ptr<http::Transport> transport, const std::string& localpart,
               const Secret& password, const std::string& device_name, std::stop_token stop);

}  // namespace alphorn::matrix
