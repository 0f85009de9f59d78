#include "commands/connect.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace alphorn::commands {
namespace {

/// A password is hashed in turn with others: an answer may take its time.
constexpr std::chrono::seconds kPatience{120};
/// What the operator calls a company's first administrator.
constexpr const char* kAccount = "admin";
constexpr const char* kDeviceName = "Alphorn directory";

std::string content_of(const std::string& path, const std::string& option) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error(option + ": " + path + " cannot be read");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

matrix::Session open(const Connection& connection, std::stop_token stop) {
  http::Endpoint endpoint{.url = connection.url, .timeout = kPatience};
  if (!connection.ca_file.empty()) {
    endpoint.ca_pem = content_of(connection.ca_file, "--ca-file");
  }
  auto transport = http::make_transport(endpoint);
  if (!connection.token_file.empty()) {
    return {std::move(transport), Secret(content_of(connection.token_file, "--token-file"))};
  }
  if (connection.password_file.empty()) {
    throw std::runtime_error("say with --password-file or --token-file how " + connection.account +
                             " logs in");
  }
  const Secret password{content_of(connection.password_file, "--password-file")};
  try {
    return matrix::log_in(std::move(transport), connection.account, password, kDeviceName, stop);
  } catch (const matrix::ApiError& error) {
    if (error.status() != 403) throw;
    throw std::runtime_error("--password-file: " + connection.url + " takes no such password of " +
                             connection.account);
  }
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
}

Connection merged(Connection said, const directory::Homeserver& homeserver,
                  const std::string& document) {
  if (said.url.empty()) said.url = homeserver.url;
  if (said.account.empty()) said.account = homeserver.account;
  if (said.account.empty()) said.account = kAccount;
  if (said.password_file.empty() && !homeserver.password_file.empty()) {
    said.password_file =
        (std::filesystem::path(document).parent_path() / homeserver.password_file).string();
  }
  if (said.url.empty()) {
    throw std::runtime_error(
        "say with --homeserver, or in spec.homeserver.url, where the server is");
  }
  return said;
}

LoggedIn::LoggedIn(const Connection& connection, std::stop_token stop)
    : server_(std::make_unique<apply::Server>(open(connection, stop), apply::Pace::Limits{})),
      by_password_(connection.token_file.empty()) {}

LoggedIn::~LoggedIn() {
  if (!by_password_) return;
  try {
    server_->session().log_out({});
  } catch (const std::exception&) {
    // The server is gone; the session ends by age.
  }
}

}  // namespace alphorn::commands
