#include "commands/connect.hpp"

#include <filesystem>

#include "apply/mas_accounts.hpp"
#include "apply/synapse_accounts.hpp"
#include "base/file.hpp"
#include "base/ulid.hpp"

namespace alphorn::commands {
namespace {

/// A password is hashed in turn with others: an answer may take its time.
constexpr std::chrono::seconds kPatience{120};
/// What the operator calls a company's first administrator.
constexpr const char* kAccount = "admin";
constexpr const char* kDeviceName = "Alphorn directory";
/// After which the session that Matrix Authentication Service lends ends, should a run be killed.
constexpr std::chrono::hours kLongestRun{6};
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

std::string content_of(const std::string& path, const std::string& option) {
  std::optional<std::string> file = content_of_file(path);
  if (!file) throw std::runtime_error(option + ": " + path + " cannot be read");
  std::string text = *std::move(file);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::shared_ptr<http::Transport> transport_to(const std::string& url,
                                              const Connection& connection) {
  http::Endpoint endpoint{.url = url, .timeout = kPatience};
  if (!connection.ca_file.empty()) {
    endpoint.ca_pem = content_of(connection.ca_file, "--ca-file");
  }
  return http::make_transport(endpoint);
}

/// What Synapse is told of leavers there keeps nobody out.
std::runtime_error kept_elsewhere(const Connection& connection) {
  return std::runtime_error("the accounts of " + connection.url +
                            " are kept by Matrix Authentication Service; say with --mas, or in "
                            "spec.homeserver.authenticationService, where that is");
}

/// Whether a server tells clients of another that people log in at (client-server API v1.15).
bool delegates(const matrix::JsonApi& server, std::stop_token stop) {
  try {
    server.get("/_matrix/client/v1/auth_metadata", std::move(stop));
    return true;
  } catch (const matrix::ApiError& error) {
    if (error.status() != kNotFound) throw;
    return false;
  }
}

matrix::Session log_in(const Connection& connection, std::stop_token stop) {
  if (connection.password_file.empty()) {
    throw std::runtime_error("say with --password-file or --token-file how " + connection.account +
                             " logs in");
  }
  const Secret password{content_of(connection.password_file, "--password-file")};
  try {
    return matrix::log_in(transport_to(connection.url, connection), connection.account, password,
                          kDeviceName, stop);
  } catch (const matrix::ApiError& error) {
    if (error.status() == kNotFound) throw kept_elsewhere(connection);
    if (error.status() != kForbidden) throw;
    throw std::runtime_error("--password-file: " + connection.url + " takes no such password of " +
                             connection.account);
  }
}

std::shared_ptr<const matrix::AuthenticationService> service_of(const Connection& connection) {
  if (connection.mas.client_secret_file.empty()) {
    throw std::runtime_error(
        "say with --mas-client-secret-file, or in spec.homeserver."
        "authenticationService.clientSecretFile, how to ask " +
        connection.mas.url);
  }
  return std::make_shared<matrix::AuthenticationService>(
      transport_to(connection.mas.url, connection), connection.mas.client_id,
      Secret(content_of(connection.mas.client_secret_file, "--mas-client-secret-file")));
}

/// The refusals that an option mends.
std::runtime_error refused_by_service(const Connection& connection, const matrix::ApiError& error) {
  const directory::AuthenticationService& mas = connection.mas;
  if (error.status() == kUnauthorized) {
    return std::runtime_error("--mas-client-secret-file: " + mas.url + " takes no such secret of " +
                              mas.client_id + ": " + error.what());
  }
  if (error.status() == kNotFound) {
    return std::runtime_error("--account: " + mas.url + " has no account called " +
                              connection.account + ": " + error.what());
  }
  return std::runtime_error("--mas: " + std::string(error.what()));
}

}  // namespace

void add_connection_options(CLI::App& command, Connection& connection) {
  command
      .add_option("--homeserver", connection.url,
                  "URL at which Synapse's admin API answers, inside the cluster or forwarded "
                  "(default: the document's spec.homeserver.url)")
      ->envname("ALPHORN_HOMESERVER");
  command.add_option(
      "--account", connection.account,
      "The account that does the work, an administrator of the server (default: admin)");
  command.add_option("--password-file", connection.password_file, "File with its password")
      ->envname("ALPHORN_PASSWORD_FILE");
  command.add_option("--token-file", connection.token_file, "File with an access token of it");
  command.add_option("--ca-file", connection.ca_file,
                     "Certificates (PEM) to trust instead of the system's");
  command
      .add_option("--mas", connection.mas.url,
                  "URL at which Matrix Authentication Service's API of administrators answers, "
                  "where that keeps the accounts (default: the document's "
                  "spec.homeserver.authenticationService.url)")
      ->envname("ALPHORN_MAS_URL");
  command
      .add_option("--mas-client-id", connection.mas.client_id,
                  "ULID of a client that may use that API (default: the operator)")
      ->envname("ALPHORN_MAS_CLIENT_ID");
  command
      .add_option("--mas-client-secret-file", connection.mas.client_secret_file,
                  "File with the client's secret")
      ->envname("ALPHORN_MAS_CLIENT_SECRET_FILE");
}

Connection merged(Connection said, const directory::Homeserver& homeserver,
                  const std::string& document) {
  if (said.url.empty()) said.url = homeserver.url;
  if (said.account.empty()) said.account = homeserver.account;
  if (said.account.empty()) said.account = kAccount;
  const auto beside_document = [&](const std::string& file) {
    return file.empty() ? "" : (std::filesystem::path(document).parent_path() / file).string();
  };
  if (said.password_file.empty()) {
    said.password_file = beside_document(homeserver.password_file);
  }
  const directory::AuthenticationService& mas = homeserver.authentication_service;
  if (said.mas.url.empty()) said.mas.url = mas.url;
  if (said.mas.client_id.empty()) said.mas.client_id = mas.client_id;
  if (said.mas.client_id.empty()) said.mas.client_id = ulid_of_operator();
  if (said.mas.client_secret_file.empty()) {
    said.mas.client_secret_file = beside_document(mas.client_secret_file);
  }
  if (said.url.empty()) {
    throw std::runtime_error(
        "say with --homeserver, or in spec.homeserver.url, where the server is");
  }
  return said;
}

LoggedIn::LoggedIn(const Connection& connection, std::stop_token stop) {
  std::shared_ptr<const matrix::AuthenticationService> service;
  if (!connection.mas.url.empty()) service = service_of(connection);
  const auto with_token = [&](Secret token) {
    return matrix::Session{transport_to(connection.url, connection), std::move(token)};
  };
  if (!connection.token_file.empty()) {
    session_ = std::make_shared<matrix::Session>(
        with_token(Secret(content_of(connection.token_file, "--token-file"))));
    if (!service && delegates(*session_, stop)) throw kept_elsewhere(connection);
  } else if (service) {
    try {
      lent_.emplace(service, connection.account, kDeviceName, kLongestRun, stop);
    } catch (const matrix::ApiError& error) {
      throw refused_by_service(connection, error);
    }
    session_ = std::make_shared<matrix::Session>(with_token(lent_->token()));
  } else {
    session_ = std::make_shared<matrix::Session>(log_in(connection, stop));
    by_password_ = true;
  }
  server_ = std::make_unique<apply::Server>(session_, apply::Pace::Limits{});
  if (service) {
    service_ = std::make_unique<apply::Server>(std::move(service), apply::Pace::Limits{});
    accounts_ = std::make_unique<apply::MasAccounts>(*service_, *server_);
  } else {
    accounts_ = std::make_unique<apply::SynapseAccounts>(*server_);
  }
}

LoggedIn::~LoggedIn() {
  if (!by_password_) return;
  try {
    session_->log_out({});
  } catch (const std::exception&) {
    // The server is gone; the session ends by age.
  }
}

}  // namespace alphorn::commands
