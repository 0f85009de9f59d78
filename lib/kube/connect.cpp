// The ways to an API server: a pod's service account, and kubeconfigs.
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "kube/client.hpp"
#include "kube/credentials.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/reloading_transport.hpp"

namespace alphorn::kube {
namespace {

constexpr const char* kAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Makes requests in somebody else's name.
class Impersonating final : public http::Transport {
 public:
  Impersonating(std::shared_ptr<http::Transport> inner, const Impersonation& as)
      : inner_(std::move(inner)), headers_(headers_of(as)) {}

  http::Response send(const http::Request& request, std::stop_token stop) override {
    return inner_->send(with_headers(request), stop);
  }
  http::Response stream(const http::Request& request, const LineSink& on_line,
                        std::chrono::seconds idle, std::stop_token stop) override {
    return inner_->stream(with_headers(request), on_line, idle, stop);
  }

 private:
  http::Request with_headers(http::Request request) const {
    request.further_headers = headers_;
    return request;
  }

  std::shared_ptr<http::Transport> inner_;
  std::vector<std::pair<std::string, std::string>> headers_;
};

void set_bearer(http::Headers& headers, const Secret& token) {
  if (!token.empty()) headers["Authorization"] = "Bearer " + trimmed(token.reveal());
}

using Load = std::function<KubeConfig(const std::string& context)>;

/// `load` reads the files anew each time; what they say of certificates is followed.
std::shared_ptr<Client> client_of(const Load& load, const std::string& context) {
  const KubeConfig config = load(context);
  const auto plugin = config.exec ? std::make_shared<ExecPlugin>(*config.exec) : nullptr;
  const auto read = [load, plugin, context = config.context, url = config.endpoint.url] {
    http::Endpoint endpoint = load(context).endpoint;
    if (endpoint.url != url) {
      throw std::runtime_error("the context \"" + context + "\" leads to " + endpoint.url +
                               " now: restart to follow it");
    }
    if (plugin) {
      const ExecCredential credential = plugin->credential();
      endpoint.client_certificate_pem = credential.certificate_pem;
      endpoint.client_key_pem = credential.key_pem;
    }
    return endpoint;
  };
  const auto reloading = std::make_shared<ReloadingTransport>(read);
  std::shared_ptr<http::Transport> transport = reloading;
  if (!config.as.user.empty()) {
    transport = std::make_shared<Impersonating>(transport, config.as);
  }
  if (plugin) {
    return std::make_shared<Client>(
        transport,
        [plugin, reloading](http::Headers& headers) {
          set_bearer(headers, plugin->credential().token);
          if (plugin->take_renewed()) reloading->check_soon();
        },
        Client::Environment{.unauthorized = [plugin] { plugin->drop(); }});
  }
  if (!config.token_file.empty()) {
    const auto token = std::make_shared<TokenFile>(config.token_file);
    return std::make_shared<Client>(
        transport, [token](http::Headers& headers) { token->authorize(headers); },
        Client::Environment{.unauthorized = [token] { token->drop(); }});
  }
  return std::make_shared<Client>(
      transport, [token = config.token](http::Headers& headers) { set_bearer(headers, token); },
      // An expired client certificate is refused like that.
      Client::Environment{.unauthorized = [reloading] { reloading->check_soon(); }});
}

}  // namespace

std::shared_ptr<Client> in_cluster_client() {
  const std::string host = from_environment("KUBERNETES_SERVICE_HOST");
  const std::string port = from_environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    throw std::runtime_error(
        "not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  const bool v6 = host.find(':') != std::string::npos;
  const auto read = [url = "https://" + (v6 ? "[" + host + "]" : host) + ":" + port] {
    http::Endpoint endpoint;
    endpoint.url = url;
    endpoint.ca_pem = read_file(std::string{kAccount} + "/ca.crt");
    return endpoint;
  };
  const auto token = std::make_shared<TokenFile>(std::string{kAccount} + "/token");
  token->token();  // fails here, at the start, and not at the first request
  return std::make_shared<Client>(
      std::make_shared<ReloadingTransport>(read),
      [token](http::Headers& headers) { token->authorize(headers); },
      Client::Environment{.unauthorized = [token] { token->drop(); }});
}

std::shared_ptr<Client> kubeconfig_client(const std::string& path, const std::string& context) {
  const Load load = [path](const std::string& name) {
    return parse_kubeconfig(read_file(path), path, name, read_file);
  };
  try {
    return client_of(load, context);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

std::shared_ptr<Client> default_client() {
  const std::string list = from_environment("KUBECONFIG");
  if (list.empty()) return in_cluster_client();
  const Load load = [list](const std::string& name) {
    return parse_kubeconfig(kubeconfig_files(list), name, read_file);
  };
  try {
    return client_of(load, "");
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(list + ": " + error.what());
  }
}

}  // namespace alphorn::kube
