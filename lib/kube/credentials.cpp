#include "kube/credentials.hpp"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "kube/client.hpp"

namespace alphorn::kube {
namespace {

constexpr std::chrono::seconds kReadAgainAfter{60};
constexpr const char* kAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || file.bad()) throw std::runtime_error("cannot read " + path);
  return text.str();
}

TokenFile::TokenFile(std::string path, const Clock& clock, ReadFile read)
    : path_(std::move(path)), clock_(clock), read_(std::move(read)) {}

Secret TokenFile::token() {
  return kept_.with([&](Kept& kept) {
    const auto now = clock_.now();
    if (!kept.token.empty() && now - kept.read_at < kReadAgainAfter) return kept.token;
    try {
      Secret fresh{trimmed(read_(path_))};
      if (fresh.empty()) throw std::runtime_error(path_ + " holds no token");
      kept.token = std::move(fresh);
    } catch (const std::exception&) {
      if (kept.token.empty()) throw;
    }
    kept.read_at = now;
    return kept.token;
  });
}

void TokenFile::drop() {
  kept_.with([](Kept& kept) { kept.token = Secret{}; });
}

void TokenFile::authorize(http::Headers& headers) {
  headers["Authorization"] = "Bearer " + token().reveal();
}

std::shared_ptr<Client> in_cluster_client() {
  const std::string host = from_environment("KUBERNETES_SERVICE_HOST");
  const std::string port = from_environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    throw std::runtime_error(
        "not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  http::Endpoint endpoint;
  const bool v6 = host.find(':') != std::string::npos;
  endpoint.url = "https://" + (v6 ? "[" + host + "]" : host) + ":" + port;
  endpoint.ca_pem = read_file(std::string{kAccount} + "/ca.crt");
  const auto token = std::make_shared<TokenFile>(std::string{kAccount} + "/token");
  token->token();  // fails here, at the start, and not at the first request
  return std::make_shared<Client>(
      http::make_transport(endpoint),
      [token](http::Headers& headers) { token->authorize(headers); },
      Client::Environment{.unauthorized = [token] { token->drop(); }});
}

}  // namespace alphorn::kube
