#include "kube/kubeconfig.hpp"

#include <filesystem>
#include <memory>
#include <stdexcept>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "kube/client.hpp"
#include "kube/credentials.hpp"

namespace alphorn::kube {
namespace {

using ReadFile = std::function<std::string(const std::string&)>;

class Parser {
 public:
  Parser(std::string path, const ReadFile& read) : path_(std::move(path)), read_(read) {}

  KubeConfig parse(std::string_view text, const std::string& wanted) {
    const json config = document(text);
    const std::string context_name = wanted.empty() ? string_at(config, "current-context") : wanted;
    if (context_name.empty()) fail("current-context", "is not set");
    const json context = entry(config, "contexts", "context", context_name);
    const std::string cluster_name = string_at(context, "cluster");
    const std::string user_name = string_at(context, "user");

    KubeConfig result;
    read_cluster(entry(config, "clusters", "cluster", cluster_name),
                 "clusters[" + cluster_name + "]", result);
    read_user(entry(config, "users", "user", user_name), "users[" + user_name + "]", result);
    if (const std::string ns = string_at(context, "namespace"); !ns.empty()) result.ns = ns;
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& field, const std::string& what) const {
    throw std::runtime_error(path_ + ": " + field + " " + what);
  }

  json document(std::string_view text) const {
    try {
      json config = from_yaml(text);
      if (config.is_object()) return config;
    } catch (const std::invalid_argument& error) {
      throw std::runtime_error(path_ + ": " + error.what());
    }
    throw std::runtime_error(path_ + ": is no kubeconfig");
  }

  json entry(const json& config, const char* list, const char* inner,
             const std::string& name) const {
    for (const json& item : at_path(config, list)) {
      if (string_at(item, "name") == name) return at_path(item, inner);
    }
    fail(list, "has no entry named \"" + name + "\"");
  }

  void refuse(const json& object, const std::string& field, const char* key,
              const char* why) const {
    const json& value = at_path(object, key);
    if (!value.is_null() && value != json(false) && value != json("")) {
      fail(field + "." + key, why);
    }
  }

  /// The embedded form wins over the file, as in kubectl.
  std::string data_or_file(const json& object, const std::string& field, const std::string& key) {
    if (const std::string data = string_at(object, key + "-data"); !data.empty()) {
      try {
        return base64_decode(data);
      } catch (const std::invalid_argument&) {
        fail(field + "." + key + "-data", "is not base64");
      }
    }
    const std::string file = string_at(object, key);
    if (file.empty()) return {};
    try {
      return read_(beside(file));
    } catch (const std::exception& error) {
      fail(field + "." + key, error.what());
    }
  }

  std::string beside(const std::string& file) const {
    return (std::filesystem::path{path_}.parent_path() / file).string();
  }

  void read_cluster(const json& cluster, const std::string& field, KubeConfig& result) {
    result.endpoint.url = string_at(cluster, "server");
    if (result.endpoint.url.empty()) fail(field + ".server", "is not set");
    while (result.endpoint.url.back() == '/') result.endpoint.url.pop_back();
    refuse(cluster, field, "insecure-skip-tls-verify",
           "is refused: give certificate-authority or certificate-authority-data instead");
    refuse(cluster, field, "proxy-url", "is not supported: connect without a proxy");
    result.endpoint.ca_pem = data_or_file(cluster, field, "certificate-authority");
    result.endpoint.tls_server_name = string_at(cluster, "tls-server-name");
  }

  void read_user(const json& user, const std::string& field, KubeConfig& result) {
    refuse(user, field, "exec",
           "needs a credential plugin, which is not supported yet: use a client certificate, token "
           "or tokenFile");
    refuse(user, field, "auth-provider", "is not supported: use a token or a client certificate");
    refuse(user, field, "username", "is not supported: use a token or a client certificate");
    refuse(user, field, "as", "is not supported: use that user's own credentials");
    result.endpoint.client_certificate_pem = data_or_file(user, field, "client-certificate");
    result.endpoint.client_key_pem = Secret{data_or_file(user, field, "client-key")};
    if (result.endpoint.client_certificate_pem.empty() != result.endpoint.client_key_pem.empty()) {
      fail(field, "needs both client-certificate and client-key, or neither");
    }
    result.token = Secret{string_at(user, "token")};
    if (const std::string file = string_at(user, "tokenFile"); !file.empty()) {
      result.token_file = beside(file);
    }
  }

  std::string path_;
  const ReadFile& read_;
};

}  // namespace

KubeConfig parse_kubeconfig(std::string_view text, const std::string& path,
                            const std::string& context, const ReadFile& read_file) {
  return Parser{path, read_file}.parse(text, context);
}

std::shared_ptr<Client> kubeconfig_client(const std::string& path, const std::string& context) {
  const KubeConfig config = parse_kubeconfig(read_file(path), path, context, read_file);
  std::shared_ptr<http::Transport> transport;
  try {
    transport = http::make_transport(config.endpoint);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
  if (!config.token_file.empty()) {
    const auto token = std::make_shared<TokenFile>(config.token_file);
    return std::make_shared<Client>(
        transport, [token](http::Headers& headers) { token->authorize(headers); },
        Client::Environment{.unauthorized = [token] { token->drop(); }});
  }
  if (config.token.empty()) return std::make_shared<Client>(transport);
  return std::make_shared<Client>(transport, [token = config.token](http::Headers& headers) {
    headers["Authorization"] = "Bearer " + token.reveal();
  });
}

}  // namespace alphorn::kube
