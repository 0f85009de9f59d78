#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "http/transport.hpp"

namespace alphorn::kube {

/// What one context of a kubeconfig says.
struct KubeConfig {
  http::Endpoint endpoint;
  Secret token = {};            ///< "" without one
  std::string token_file = {};  ///< read again as it changes; wins over `token`
  std::string ns = "default";
};

/// Parses a kubeconfig. `path` is for messages and for resolving the relative file names in it;
/// `context` "" means the current one. Throws std::runtime_error that names file and field.
KubeConfig parse_kubeconfig(std::string_view text, const std::string& path,
                            const std::string& context,
                            const std::function<std::string(const std::string&)>& read_file);

}  // namespace alphorn::kube
