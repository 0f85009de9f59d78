#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kube/client.hpp"

/// What contract tests of the API and the manifests share: the test API server and YAML files.
namespace alphorn::contract {

/// A client of the API server that the fixture started (ALPHORN_TEST_KUBECONFIG).
std::shared_ptr<kube::Client> cluster();

/// Makes a namespace that enforces the restricted pod security standard.
void ensure_namespace(const std::string& name);

/// Installs crds/*.yaml and waits until CompanyHomeservers are served.
void ensure_definitions();

extern const kube::Kind kCompanyHomeserver;
extern const kube::Kind kCompanyDirectory;

/// The kind of a manifest, by its apiVersion and kind. Throws std::out_of_range for a stranger.
kube::Kind kind_of(const json& manifest);

/// All documents of a YAML file.
std::vector<json> documents(const std::filesystem::path& path);

/// The YAML files directly in a folder of the repository, sorted.
std::vector<std::filesystem::path> yaml_files(const std::string& folder);

}  // namespace alphorn::contract
