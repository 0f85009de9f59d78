// Every manifest of every case is in tests/golden, to be read and reviewed as YAML. A change on
// purpose: run with UPDATE_GOLDEN=1 and review the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "support/source_dir.hpp"
#include "unit/manifests/tenants.hpp"

namespace alphorn::manifests {
namespace {

std::string as_documents(const Manifests& manifests) {
  std::string text;
  for (const Manifest& manifest : manifests) {
    text += "---\n" + to_yaml(manifest);
    if (text.back() != '\n') text += '\n';
  }
  return text;
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = source_dir() + "/tests/golden/" + name;
  if (text.empty()) {
    // What a tenant has not has no file.
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::filesystem::remove(path);
    EXPECT_FALSE(std::filesystem::exists(path)) << path << ": nothing is rendered for it";
    return;
  }
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
    return;
  }
  std::ostringstream golden;
  golden << std::ifstream{path}.rdbuf();
  EXPECT_EQ(text, golden.str()) << path << ": run with UPDATE_GOLDEN=1 and review the difference";
}

void expect_goldens(const std::string& name, const Tenant& tenant) {
  for (const auto& [component, manifests] : all_components(tenant)) {
    expect_golden(name + "/" + component + ".yaml", as_documents(manifests));
  }
}

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, MatchesEveryComponent) {
  const std::string sample = GetParam();
  expect_goldens(sample, tenant_of(sample));
}

/// Which is the cluster's doing and not the tenant's.
TEST(Golden, MatchesEveryComponentWhereMetricsAreRead) {
  expect_goldens("watched", watched(tenant_of("minimal")));
}

/// What is there besides while a new password is on its way.
TEST(Golden, OfANewPasswordThatIsTried) {
  Tenant tenant = tenant_of("minimal");
  tenant.login = {.role = "synapse", .next = "synapse_a", .rotation = "0123456789abcdef"};
  expect_golden("new-database-password/check.yaml", as_documents(database_check_job(tenant)));
}

TEST(Golden, OfADirectory) {
  Tenant tenant = tenant_of("minimal");
  tenant.has_directory = true;
  const Directory directory = a_directory();
  expect_golden(
      "directory/directory.yaml",
      as_documents({directory_state(tenant, directory), directory_files(tenant, directory),
                    directory_run(tenant, directory), directory_runs(tenant, directory)}));
  expect_golden("directory/network.yaml", as_documents(network(tenant)));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Golden,
    testing::Values("minimal", "medium", "large", "full", "nodeport", "server-name-with-port",
                    "open-federation", "hibernated", "fenced", "load-balancer", "ingress",
                    "ingress-default-class", "gateway", "gateway-passthrough", "own-certificate",
                    "single-sign-on", "strict-passwords", "media-bucket", "media-bucket-amazon",
                    "cert-manager", "cert-manager-issuer", "without-web-client",
                    "external-database", "external-database-public", "cloudnative-pg", "mas",
                    "backup", "backup-on-volume", "bridges", "bridges-with-workers", "calls",
                    "calls-load-balancer"),
    [](const auto& test) {
      std::string name = test.param;
      std::erase(name, '-');
      return name;
    });

TEST(GoldenOfRotatedKeys, MatchesTheHomeserver) {
  Tenant tenant = tenant_of("minimal");
  tenant.old_signing_keys = {
      {"ed25519:a_1b2c",
       {{"key", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"}, {"expired_ts", 1764086400000}}}};
  tenant.keys_rotated = "0123456789abcdef";
  expect_golden("rotated-keys/homeserver.yaml", as_documents(homeserver(tenant)));
}

}  // namespace
}  // namespace alphorn::manifests
