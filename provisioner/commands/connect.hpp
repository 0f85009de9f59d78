#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "apply/account_keeper.hpp"
#include "apply/server.hpp"
#include "directory/directory.hpp"
#include "matrix/authentication_service.hpp"
#include "matrix/session.hpp"

namespace alphorn::commands {

/// How a command reaches a homeserver, and as whom.
struct Connection {
  std::string url;  ///< where /_synapse/admin answers: not what a gateway shows the world
  std::string account;
  std::string password_file;
  std::string token_file;
  std::string ca_file;
  /// Of Matrix Authentication Service, where that keeps the accounts.
  directory::AuthenticationService mas;
};

/// --homeserver, --account, --password-file, --token-file, --ca-file, and --mas with its client.
void add_connection_options(CLI::App& command, Connection& connection);

/// What the command line says, else what the document says, else the default.
Connection merged(Connection said, const directory::Homeserver& homeserver,
                  const std::string& document);

/// A session for as long as it lives. One that it has opened, by a password or as a client of
/// Matrix Authentication Service, is closed at the end, however that comes.
class LoggedIn {
 public:
  /// Throws std::runtime_error that names the option to mend.
  LoggedIn(const Connection& connection, std::stop_token stop);
  ~LoggedIn();
  LoggedIn(const LoggedIn&) = delete;
  LoggedIn& operator=(const LoggedIn&) = delete;

  apply::Server& server() { return *server_; }
  apply::AccountKeeper& accounts() { return *accounts_; }
  /// Matrix Authentication Service; null where the homeserver keeps its accounts itself.
  apply::Server* service() { return service_.get(); }

  // Of both together.
  int requests() const { return server_->requests() + (service_ ? service_->requests() : 0); }
  int writes() const { return server_->writes() + (service_ ? service_->writes() : 0); }
  int limited() const { return server_->limited() + (service_ ? service_->limited() : 0); }

 private:
  std::optional<matrix::LentSession> lent_;
  std::shared_ptr<const matrix::Session> session_;
  bool by_password_ = false;
  std::unique_ptr<apply::Server> server_;
  std::unique_ptr<apply::Server> service_;
  std::unique_ptr<apply::AccountKeeper> accounts_;
};

}  // namespace alphorn::commands
