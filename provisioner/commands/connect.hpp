#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <stop_token>
#include <string>

#include "apply/server.hpp"
#include "directory/directory.hpp"

namespace alphorn::commands {

/// How a command reaches a homeserver, and as whom.
struct Connection {
  std::string url;  ///< where /_synapse/admin answers: not what a gateway shows the world
  std::string account;
  std::string password_file;
  std::string token_file;
  std::string ca_file;
};

/// --homeserver, --account, --password-file, --token-file, --ca-file.
void add_connection_options(CLI::App& command, Connection& connection);

/// What the command line says, else what the document says, else the default.
Connection merged(Connection said, const directory::Homeserver& homeserver,
                  const std::string& document);

/// A session for as long as it lives. One that a password opened is closed at the end.
class LoggedIn {
 public:
  /// Throws std::runtime_error that names the option to mend.
  LoggedIn(const Connection& connection, std::stop_token stop);
  ~LoggedIn();
  LoggedIn(const LoggedIn&) = delete;
  LoggedIn& operator=(const LoggedIn&) = delete;

  apply::Server& server() { return *server_; }

 private:
  std::unique_ptr<apply::Server> server_;
  bool by_password_ = false;
};

}  // namespace alphorn::commands
