#include "contract/cluster.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>
#include <thread>

#include "support/source_dir.hpp"

namespace alphorn::contract {
namespace {

const kube::Kind kDefinition{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                             "customresourcedefinitions", false};

bool is_established(const json& definition) {
  const json& conditions = at_path(definition, "status/conditions");
  return std::any_of(conditions.begin(), conditions.end(), [](const json& condition) {
    return string_at(condition, "type") == "Established" &&
           string_at(condition, "status") == "True";
  });
}

/// Established precedes being served by a moment, and that its storage being ready (429).
bool is_served() {
  try {
    cluster()->list(kCompanyHomeserver, {.ns = "default"});
    return true;
  } catch (const kube::ApiError& error) {
    if (error.status() == 404 || error.status() == 429) return false;
    throw;
  }
}

template <typename Condition>
void wait_until(const std::string& what, const Condition& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{120};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("waited for " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

}  // namespace

const kube::Kind kCompanyHomeserver{"alphorn.dev", "v1alpha1", "CompanyHomeserver",
                                    "companyhomeservers", true};
const kube::Kind kCompanyDirectory{"alphorn.dev", "v1alpha1", "CompanyDirectory",
                                   "companydirectories", true};

std::shared_ptr<kube::Client> cluster() {
  static const std::shared_ptr<kube::Client> client = [] {
    const char* path = std::getenv("ALPHORN_TEST_KUBECONFIG");
    if (path == nullptr)
      throw std::runtime_error("ALPHORN_TEST_KUBECONFIG is not set: run by ctest");
    return kube::kubeconfig_client(path);
  }();
  return client;
}

void ensure_namespace(const std::string& name) {
  cluster()->apply(
      kube::kinds::kNamespace,
      {{"apiVersion", "v1"},
       {"kind", "Namespace"},
       {"metadata",
        {{"name", name}, {"labels", {{"pod-security.kubernetes.io/enforce", "restricted"}}}}}},
      {.field_manager = "contract-test"});
}

void ensure_definitions() {
  for (const auto& path : yaml_files("crds")) {
    for (const json& definition : documents(path)) {
      cluster()->apply(kDefinition, definition, {.field_manager = "contract-test"});
      const kube::ObjectRef ref{kDefinition, "", string_at(definition, "metadata/name")};
      wait_until(ref.display(), [&] { return is_established(cluster()->get(ref).value()); });
    }
  }
  wait_until("CompanyHomeservers to be served", is_served);
}

const kube::Kind kPriorityClass{"scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses",
                                false};

kube::Kind kind_of(const json& manifest) {
  static const std::map<std::string, kube::Kind> known = [] {
    std::map<std::string, kube::Kind> result;
    for (const kube::Kind& kind :
         {kube::kinds::kConfigMap, kube::kinds::kDeployment, kube::kinds::kPersistentVolumeClaim,
          kube::kinds::kSecret, kube::kinds::kService, kube::kinds::kStatefulSet,
          kube::kinds::kNetworkPolicy, kube::kinds::kIngress, kube::kinds::kJob,
          kube::kinds::kCronJob, kube::kinds::kPodDisruptionBudget, kPriorityClass}) {
      result.emplace(kind.api_version() + " " + kind.name, kind);
    }
    return result;
  }();
  return known.at(string_at(manifest, "apiVersion") + " " + string_at(manifest, "kind"));
}

std::vector<json> documents(const std::filesystem::path& path) {
  std::vector<json> result;
  std::string text;
  const auto finish = [&] {
    if (text.find_first_not_of(" \n") != std::string::npos) {
      const json document = from_yaml(text);
      if (!document.is_null()) result.push_back(document);
    }
    text.clear();
  };
  std::ifstream file{path};
  if (!file) throw std::runtime_error(path.string() + ": cannot be read");
  for (std::string line; std::getline(file, line);) {
    if (line == "---") {
      finish();
    } else {
      text += line + "\n";
    }
  }
  finish();
  return result;
}

std::vector<std::filesystem::path> yaml_files(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() + "/" + folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace alphorn::contract
