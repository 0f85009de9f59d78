#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "http/transport.hpp"
#include "matrix/homeserver.hpp"

namespace alphorn::matrix {

/// The parts of one Matrix Authentication Service that hosting it needs: its API of administrators
/// (docs/topics/admin-api.md there), as one of the clients that its configuration names. Every call
/// may throw ApiError or http::TransportError. Thread-safe as its transport is.
class AuthenticationService {
 public:
  AuthenticationService(std::shared_ptr<http::Transport> transport, std::string client_id,
                        Secret client_secret);

  /// Whose password is set: nobody's (where there are none), that of an account that is made, or
  /// that of one that was there as well.
  enum class Password { none, of_new_accounts, of_any };

  /// Sees to it that there is such an account, and that it may ask to be an administrator. Safe to
  /// repeat; its devices stay logged in.
  void ensure_administrator(const std::string& localpart, const Secret& password, Password policy,
                            std::stop_token stop) const;

 private:
  json call(http::Request request, std::stop_token stop) const;
  Secret access_token(std::stop_token stop) const;

  std::shared_ptr<http::Transport> transport_;
  std::string client_id_;
  Secret client_secret_;
};

}  // namespace alphorn::matrix
