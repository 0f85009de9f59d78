#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

#include "base/encoding.hpp"
#include "base/secret.hpp"
#include "kube/client.hpp"
#include "kube/credentials.hpp"
#include "kube/kubeconfig.hpp"

/// What contract tests need to talk to the fixture's API server.
namespace alphorn::test {

inline std::string kubeconfig_path() {
  const char* path = std::getenv("ALPHORN_TEST_KUBECONFIG");
  if (path == nullptr || *path == '\0') {
    throw std::runtime_error("ALPHORN_TEST_KUBECONFIG is not set: run this test through ctest");
  }
  return path;
}

inline kube::KubeConfig kubeconfig() {
  const std::string path = kubeconfig_path();
  return kube::parse_kubeconfig(kube::read_file(path), path, "", kube::read_file);
}

inline std::shared_ptr<kube::Client> client() { return kube::kubeconfig_client(kubeconfig_path()); }

/// A namespace of its own, whose name starts with `prefix`. It is left to the fixture's end.
inline std::string fresh_namespace(const kube::Client& client, const std::string& prefix) {
  static std::atomic<int> count{0};
  const std::string name =
      prefix + "-" + sha256_hex(random_bytes(8)).substr(0, 8) + "-" + std::to_string(++count);
  client.create(kube::kinds::kNamespace,
                {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}});
  return name;
}

inline json config_map(const std::string& ns, const std::string& name, const json& data) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"namespace", ns}}},
          {"data", data}};
}

/// A deadline costs nothing when all is well, and the machine may be several times slower than
/// usual.
inline constexpr std::chrono::seconds kPatience{120};

/// True once `condition` is; false when it is not within the limit. Looks every 5 ms.
inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::seconds limit = kPatience) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

inline const kube::Kind kWidget{"test.alphorn.dev", "v1", "Widget", "widgets"};

/// A custom kind that keeps every field; waits until the server serves it.
inline void ensure_widgets(const kube::Client& client) {
  const kube::Kind definition{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                              "customresourcedefinitions", false};
  const json schema = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  client.apply(definition,
               {{"apiVersion", definition.api_version()},
                {"kind", definition.name},
                {"metadata", {{"name", "widgets.test.alphorn.dev"}}},
                {"spec",
                 {{"group", kWidget.group},
                  {"scope", "Namespaced"},
                  {"names", {{"kind", "Widget"}, {"plural", "widgets"}}},
                  {"versions", json::array({{{"name", "v1"},
                                             {"served", true},
                                             {"storage", true},
                                             {"schema", {{"openAPIV3Schema", schema}}}}})}}}},
               {.field_manager = "tester"});
  // A kind is served a moment before its watch cache is filled, and cannot be watched meanwhile.
  const bool served = eventually([&] {
    std::stop_source enough;
    try {
      client.watch(
          kWidget, {.send_initial_events = true},
          [&](const kube::WatchEvent& event) {
            if (event.is_end_of_list()) enough.request_stop();
          },
          enough.get_token());
    } catch (const kube::ApiError&) {
      return false;
    } catch (const http::TransportError&) {  // stopped
    }
    return enough.stop_requested();
  });
  if (!served) throw std::runtime_error("the API server does not serve widgets");
}

}  // namespace alphorn::test
