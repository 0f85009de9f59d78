#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/locked.hpp"
#include "base/secret.hpp"
#include "http/transport.hpp"
#include "matrix/api_error.hpp"
#include "matrix/json_api.hpp"

namespace alphorn::matrix {

/// One Matrix Authentication Service's API of administrators (docs/topics/admin-api.md there),
/// asked as one of the clients that its configuration names. The tokens it gives live for minutes:
/// one is asked for when there is none, when it is about to end, and when it is refused.
class AuthenticationService final : public JsonApi {
 public:
  AuthenticationService(std::shared_ptr<http::Transport> transport, std::string client_id,
                        Secret client_secret, const Clock& clock = steady_clock());

  /// Whose password is set: nobody's (where there are none), that of an account that is made, or
  /// that of one that was there as well.
  enum class Password { none, of_new_accounts, of_any };

  /// Sees to it that there is such an account, and that it may ask to be an administrator. Safe to
  /// repeat; its devices stay logged in.
  void ensure_administrator(const std::string& localpart, const Secret& password, Password policy,
                            std::stop_token stop) const;

  /// A session of an account's that nobody has logged in for.
  struct PersonalSession {
    std::string id;
    Secret token;  ///< for the homeserver, as its administrator, whatever the account may do
  };
  /// It has no device, and ends by itself after `lifetime`. ApiError with 404: there is no such
  /// account.
  PersonalSession open_session(const std::string& localpart, const std::string& name,
                               std::chrono::seconds lifetime, std::stop_token stop) const;
  void close_session(const std::string& id, std::stop_token stop) const;

 private:
  struct Token {
    Secret text;
    Clock::Instant good_until;
  };

  json send(http::Request request, std::stop_token stop) const override;
  Secret access_token(const std::stop_token& stop) const;
  Token fresh_token(const std::stop_token& stop) const;
  void forget(const Secret& token) const;

  std::shared_ptr<http::Transport> transport_;
  std::string client_id_;
  Secret client_secret_;
  const Clock& clock_;
  mutable Locked<Token> token_;
};

/// A personal session for as long as it lives.
class LentSession {
 public:
  LentSession(std::shared_ptr<const AuthenticationService> service, const std::string& localpart,
              const std::string& name, std::chrono::seconds lifetime, std::stop_token stop);
  ~LentSession();
  LentSession(const LentSession&) = delete;
  LentSession& operator=(const LentSession&) = delete;

  const Secret& token() const { return session_.token; }

 private:
  std::shared_ptr<const AuthenticationService> service_;
  AuthenticationService::PersonalSession session_;
};

/// Where the account with this name is found.
std::string account_by_name(const std::string& localpart);
/// What is done with the account with this id: "lock", "set-password", ...
std::string account_action(const std::string& id, const std::string& action);

inline constexpr const char* kAccountsOfService = "/api/admin/v1/users";

}  // namespace alphorn::matrix
