#include "kube/kubeconfig.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "kube/credentials.hpp"

namespace alphorn::kube {
namespace {

constexpr const char* kExecGroup = "client.authentication.k8s.io/";
/// Where a cluster keeps what only credential plugins understand.
constexpr const char* kExecExtension = "client.authentication.k8s.io/exec";

/// One named thing of a file: the object, and what messages call it.
struct Entry {
  std::string path;
  std::string field;
  json object;
};

class Parser {
 public:
  Parser(const std::vector<KubeConfigFile>& files, const ReadFile& read) : read_(read) {
    for (const KubeConfigFile& file : files) {
      documents_.push_back({.path = file.path, .field = "", .object = document(file)});
    }
  }

  KubeConfig parse(const std::string& wanted) {
    KubeConfig result;
    result.context = wanted.empty() ? current_context() : wanted;
    const Entry context = entry("contexts", "context", result.context);
    const Entry cluster = entry("clusters", "cluster", text_of(context, "cluster"));
    read_cluster(cluster, result);
    const Entry user = entry("users", "user", text_of(context, "user"));
    read_user(user, result);
    if (user.object.contains("exec")) result.exec = exec_of(user, cluster, result);
    if (const std::string ns = text_of(context, "namespace"); !ns.empty()) result.ns = ns;
    return result;
  }

 private:
  [[noreturn]] static void fail(const Entry& entry, const std::string& key,
                                const std::string& what) {
    const std::string dot = key.empty() || entry.field.empty() ? "" : ".";
    throw std::runtime_error(entry.path + ": " + entry.field + dot + key + " " + what);
  }

  static json document(const KubeConfigFile& file) {
    try {
      json config = from_yaml(file.text);
      if (config.is_null()) return json::object();  // an empty file adds nothing
      if (config.is_object()) return config;
    } catch (const std::invalid_argument& error) {
      throw std::runtime_error(file.path + ": " + error.what());
    }
    throw std::runtime_error(file.path + ": is no kubeconfig");
  }

  std::string paths() const {
    std::string text;
    for (const Entry& document : documents_) text += (text.empty() ? "" : ", ") + document.path;
    return text;
  }

  std::string current_context() const {
    for (const Entry& document : documents_) {
      std::string name = string_at(document.object, "current-context");
      if (!name.empty()) return name;
    }
    throw std::runtime_error(paths() + ": current-context is not set");
  }

  Entry entry(const std::string& list, const char* inner, const std::string& name) const {
    for (const Entry& document : documents_) {
      for (const json& item : at_path(document.object, list)) {
        if (string_at(item, "name") != name) continue;
        const json& object = at_path(item, inner);
        return {.path = document.path,
                .field = std::string{list}.append("[").append(name).append("]"),
                .object = object.is_object() ? object : json::object()};
      }
    }
    throw std::runtime_error(paths() + ": " + list + " has no entry named \"" + name + "\"");
  }

  /// The string at that key, "" without one. What YAML takes for a number or a word of its own is
  /// no string, and must not be taken for absent.
  static std::string text_of(const Entry& entry, const std::string& key) {
    const json& value = at_path(entry.object, key);
    if (!value.is_null() && !value.is_string()) fail(entry, key, "is no string: quote it");
    return value.is_string() ? value.get<std::string>() : "";
  }

  static void refuse(const Entry& entry, const char* key, const char* why) {
    const json& value = at_path(entry.object, key);
    if (!value.is_null() && value != json(false) && value != json("")) fail(entry, key, why);
  }

  static std::string decoded(const Entry& entry, const std::string& key) {
    try {
      return base64_decode(text_of(entry, key));
    } catch (const std::invalid_argument&) {
      fail(entry, key, "is not base64");
    }
  }

  /// The embedded form wins over the file, as in kubectl.
  std::string data_or_file(const Entry& entry, const std::string& key) {
    if (!text_of(entry, key + "-data").empty()) return decoded(entry, key + "-data");
    const std::string file = text_of(entry, key);
    if (file.empty()) return {};
    try {
      return read_(beside(entry, file));
    } catch (const std::exception& error) {
      fail(entry, key, error.what());
    }
  }

  static std::string beside(const Entry& entry, const std::string& file) {
    return (std::filesystem::path{entry.path}.parent_path() / file).string();
  }

  void read_cluster(const Entry& cluster, KubeConfig& result) {
    result.endpoint.url = text_of(cluster, "server");
    if (result.endpoint.url.empty()) fail(cluster, "server", "is not set");
    while (!result.endpoint.url.empty() && result.endpoint.url.back() == '/') {
      result.endpoint.url.pop_back();
    }
    refuse(cluster, "insecure-skip-tls-verify",
           "is refused: give certificate-authority or certificate-authority-data instead");
    const std::string proxy = text_of(cluster, "proxy-url");
    if (!proxy.empty() && !proxy.starts_with("http://") && !proxy.starts_with("socks5://")) {
      fail(cluster, "proxy-url", "must begin with http:// or socks5://");
    }
    result.endpoint.proxy_url = Secret{proxy};
    result.endpoint.ca_pem = data_or_file(cluster, "certificate-authority");
    result.endpoint.tls_server_name = text_of(cluster, "tls-server-name");
  }

  void read_user(const Entry& user, KubeConfig& result) {
    refuse(user, "auth-provider", "is not supported: use exec, a token or a client certificate");
    refuse(user, "username", "is not supported: use exec, a token or a client certificate");
    result.endpoint.client_certificate_pem = data_or_file(user, "client-certificate");
    result.endpoint.client_key_pem = Secret{data_or_file(user, "client-key")};
    if (result.endpoint.client_certificate_pem.empty() != result.endpoint.client_key_pem.empty()) {
      fail(user, "", "needs both client-certificate and client-key, or neither");
    }
    result.token = Secret{text_of(user, "token")};
    if (const std::string file = text_of(user, "tokenFile"); !file.empty()) {
      result.token_file = beside(user, file);
    }
    result.as = impersonation_of(user);
  }

  static std::vector<std::string> texts(const Entry& entry, const std::string& key,
                                        const json& list) {
    std::vector<std::string> result;
    if (list.is_null()) return result;
    if (!list.is_array()) fail(entry, key, "is no list");
    for (const json& item : list) {
      if (!item.is_string()) fail(entry, key, "holds something that is no string");
      result.push_back(item.get<std::string>());
    }
    return result;
  }

  static Impersonation impersonation_of(const Entry& user) {
    Impersonation as{.user = text_of(user, "as"),
                     .uid = text_of(user, "as-uid"),
                     .groups = texts(user, "as-groups", at_path(user.object, "as-groups"))};
    const json& extra = at_path(user.object, "as-user-extra");
    if (!extra.is_null() && !extra.is_object()) fail(user, "as-user-extra", "is no mapping");
    if (extra.is_object()) {
      for (const auto& [key, values] : extra.items()) {
        as.extra[key] = texts(user, "as-user-extra." + key, values);
      }
    }
    const bool has_more = !as.uid.empty() || !as.groups.empty() || !as.extra.empty();
    if (as.user.empty() && has_more) {
      fail(user, "as", "is not set: as-uid, as-groups and as-user-extra need it");
    }
    return as;
  }

  static ExecConfig exec_of(const Entry& user, const Entry& cluster, const KubeConfig& result) {
    if (!result.token.empty() || !result.token_file.empty() ||
        !result.endpoint.client_certificate_pem.empty()) {
      fail(user, "exec", "cannot stand beside a token or a client certificate: keep one of them");
    }
    const Entry exec{
        .path = user.path, .field = user.field + ".exec", .object = at_path(user.object, "exec")};
    ExecConfig config{.field = exec.path + ": " + exec.field,
                      .api_version = text_of(exec, "apiVersion"),
                      .program = {.command = text_of(exec, "command"),
                                  .arguments = texts(exec, "args", at_path(exec.object, "args"))},
                      .install_hint = text_of(exec, "installHint")};
    const std::string version = config.api_version.substr(
        std::min(config.api_version.size(), std::string_view{kExecGroup}.size()));
    if (!config.api_version.starts_with(kExecGroup) || (version != "v1" && version != "v1beta1")) {
      fail(exec, "apiVersion", std::string{"must be "} + kExecGroup + "v1 or v1beta1");
    }
    std::string& command = config.program.command;
    if (command.empty()) fail(exec, "command", "is not set");
    if (command.find('/') != std::string::npos) command = beside(exec, command);
    const std::string mode = text_of(exec, "interactiveMode");
    if (mode == "Always") {
      fail(exec, "interactiveMode", "is Always, but nobody is asked here: use another plugin");
    }
    if (mode != "Never" && mode != "IfAvailable" && (version == "v1" || !mode.empty())) {
      fail(exec, "interactiveMode", "must be Never or IfAvailable");
    }
    const json& environment = at_path(exec.object, "env");
    if (!environment.is_null() && !environment.is_array()) fail(exec, "env", "is no list");
    for (const json& variable : environment) {
      const std::string name = string_at(variable, "name");
      if (name.empty()) fail(exec, "env", "has an entry without a name");
      const json& value = at_path(variable, "value");
      if (!value.is_string()) fail(exec, "env", "has no string as the value of " + name);
      config.program.environment[name] = value.get<std::string>();
    }
    if (at_path(exec.object, "provideClusterInfo") == json(true)) {
      config.cluster = cluster_info(cluster, result);
    }
    return config;
  }

  static json cluster_info(const Entry& cluster, const KubeConfig& result) {
    json info = {{"server", text_of(cluster, "server")}};
    const http::Endpoint& endpoint = result.endpoint;
    if (!endpoint.ca_pem.empty()) {
      info["certificate-authority-data"] = base64_encode(endpoint.ca_pem);
    }
    if (!endpoint.tls_server_name.empty()) info["tls-server-name"] = endpoint.tls_server_name;
    if (!endpoint.proxy_url.empty()) info["proxy-url"] = endpoint.proxy_url.reveal();
    for (const json& extension : at_path(cluster.object, "extensions")) {
      if (string_at(extension, "name") == kExecExtension) {
        info["config"] = at_path(extension, "extension");
      }
    }
    return info;
  }

  std::vector<Entry> documents_;
  const ReadFile& read_;
};

/// A header name of any text: what is no letter, digit or one of a few signs is percent-encoded.
std::string header_name(const std::string& text) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return percent_encode(lower);
}

}  // namespace

KubeConfig parse_kubeconfig(const std::vector<KubeConfigFile>& files, const std::string& context,
                            const ReadFile& read_file) {
  return Parser{files, read_file}.parse(context);
}

KubeConfig parse_kubeconfig(std::string_view text, const std::string& path,
                            const std::string& context, const ReadFile& read_file) {
  return parse_kubeconfig({{.path = path, .text = std::string{text}}}, context, read_file);
}

std::vector<KubeConfigFile> kubeconfig_files(std::string_view list) {
  std::vector<KubeConfigFile> files;
  const std::string all{list};
  while (!list.empty()) {
    const std::string path{list.substr(0, list.find(':'))};
    list.remove_prefix(std::min(list.size(), path.size() + 1));
    const bool known = std::any_of(files.begin(), files.end(),
                                   [&](const KubeConfigFile& file) { return file.path == path; });
    // As kubectl does: a list may name files that exist on some machines only.
    if (path.empty() || known || !std::filesystem::exists(path)) continue;
    files.push_back({.path = path, .text = read_file(path)});
  }
  if (files.empty()) throw std::runtime_error("no file of KUBECONFIG exists: " + all);
  return files;
}

std::vector<std::pair<std::string, std::string>> headers_of(const Impersonation& as) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (as.user.empty()) return headers;
  headers.emplace_back("Impersonate-User", as.user);
  if (!as.uid.empty()) headers.emplace_back("Impersonate-Uid", as.uid);
  for (const std::string& group : as.groups) headers.emplace_back("Impersonate-Group", group);
  for (const auto& [key, values] : as.extra) {
    for (const std::string& value : values) {
      headers.emplace_back("Impersonate-Extra-" + header_name(key), value);
    }
  }
  return headers;
}

}  // namespace alphorn::kube
