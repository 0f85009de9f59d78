#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "http/transport.hpp"
#include "kube/exec_plugin.hpp"

namespace alphorn::kube {

/// In whose name requests are made (Impersonate-* of the Kubernetes documentation,
/// "User impersonation"). No user: one's own.
struct Impersonation {
  std::string user = {};
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::map<std::string, std::vector<std::string>> extra = {};
};

/// What one context of a kubeconfig says.
struct KubeConfig {
  std::string context;
  http::Endpoint endpoint;
  Secret token = {};            ///< "" without one
  std::string token_file = {};  ///< read again as it changes; wins over `token`
  std::optional<ExecConfig> exec = std::nullopt;
  Impersonation as = {};
  std::string ns = "default";
};

/// One file of a list as KUBECONFIG names them.
struct KubeConfigFile {
  std::string path;  ///< for messages, and for the relative file names in it
  std::string text;
};

using ReadFile = std::function<std::string(const std::string& path)>;

/// Reads several files as one: whichever comes first decides on current-context and on each named
/// entry as a whole. `context` "" means the current one. Throws std::runtime_error that names file
/// and field.
KubeConfig parse_kubeconfig(const std::vector<KubeConfigFile>& files, const std::string& context,
                            const ReadFile& read_file);

/// The same for one file.
KubeConfig parse_kubeconfig(std::string_view text, const std::string& path,
                            const std::string& context, const ReadFile& read_file);

/// The files of a list as KUBECONFIG has it, those that exist. Throws std::runtime_error when
/// there is none or one cannot be read.
std::vector<KubeConfigFile> kubeconfig_files(std::string_view list);

/// The headers that say in whose name a request is made; none without a user.
std::vector<std::pair<std::string, std::string>> headers_of(const Impersonation& as);

}  // namespace alphorn::kube
