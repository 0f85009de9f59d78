#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "http/transport.hpp"
#include "matrix/api_error.hpp"

namespace alphorn::matrix {

/// The parts of one Synapse that hosting it needs. Every call may throw ApiError or
/// http::TransportError. Thread-safe as its transport is.
class Homeserver {
 public:
  explicit Homeserver(std::shared_ptr<http::Transport> transport);

  /// Release that is running, e.g. "1.163.2" (GET /_synapse/admin/v1/server_version, no token
  /// needed).
  std::string version(std::stop_token stop) const;

  /// Ids of the keys it signs with, e.g. "ed25519:a_1b2c" (GET /_matrix/key/v2/server).
  std::vector<std::string> signing_key_ids(std::stop_token stop) const;

  /// Throws unless the server answers a question that needs its database. An alias nobody has is
  /// asked for: 404 M_NOT_FOUND is the good answer; GET /_matrix/client/v3/directory/room/{alias}
  /// needs no token. (/health is a constant and proves nothing of the kind.)
  void ask_database(const std::string& server_name, std::stop_token stop) const;

  enum class Existing { keep_password, set_password };

  /// Sees to it that @localpart is a server administrator. Creates the account with this password
  /// by the shared secret. Where it exists already it is left alone, or a throw-away administrator
  /// sets the password and is deactivated. Safe to repeat; devices of the account stay logged in.
  void ensure_administrator(const std::string& server_name, const std::string& localpart,
                            const Secret& password, const Secret& registration_secret,
                            Existing existing, std::stop_token stop) const;

 private:
  json call(http::Request request, std::stop_token stop) const;
  /// Shared-secret registration (Synapse docs/admin_api/register_api.md); returns an access token.
  Secret register_user(const std::string& localpart, const Secret& password,
                       const Secret& registration_secret, std::stop_token stop) const;
  /// Deactivates every throw-away administrator, those of interrupted attempts too, `self` last.
  void retire_throwaways(const std::string& self, const Secret& token, std::stop_token stop) const;

  std::shared_ptr<http::Transport> transport_;
};

}  // namespace alphorn::matrix
