// Every golden manifest is sent to a real API server, which knows every field, default and rule.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/quantity.hpp"
#include "contract/cluster.hpp"
#include "homeserver/plan.hpp"
#include "support/source_dir.hpp"

namespace alphorn::contract {
namespace {

constexpr const char* kNamespace = "acme";  // the namespace in the goldens

class Goldens : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ensure_namespace(kNamespace);
    // The class that the samples name.
    const json priority = {{"apiVersion", "scheduling.k8s.io/v1"},
                           {"kind", "PriorityClass"},
                           {"metadata", {{"name", "business-critical"}}},
                           {"value", 1000}};
    cluster()->apply(kind_of(priority), priority, {.field_manager = "contract-test"});
  }

  template <typename Visit>
  void for_each(const Visit& visit) {
    std::size_t seen = 0;
    const std::filesystem::path folder = source_dir() + "/tests/golden";
    for (const auto& golden : std::filesystem::directory_iterator(folder)) {
      for (const auto& path : yaml_files("tests/golden/" + golden.path().filename().string())) {
        for (const json& manifest : documents(path)) {
          // This API server knows no Gateway API, no cert-manager and no CloudNativePG, which are
          // no part of Kubernetes itself.
          static const std::set<std::string> unknown{"HTTPRoute", "TLSRoute", "Certificate",
                                                     "Cluster"};
          if (unknown.contains(manifest.at("kind").get<std::string>())) continue;
          SCOPED_TRACE(path.string() + " " + string_at(manifest, "kind"));
          visit(manifest);
          ++seen;
        }
      }
    }
    EXPECT_GT(seen, 40U);
  }
};

json applied(const json& manifest) {
  return cluster()
      ->apply(kind_of(manifest), manifest,
              {.field_manager = "contract-test", .dry_run = kube::DryRun::yes})
      .read();
}

TEST_F(Goldens, AreValidToTheLastField) {
  for_each([](const json& manifest) { EXPECT_NO_THROW(applied(manifest)); });
}

/// Otherwise every pass of the operator would write.
TEST_F(Goldens, DoNotDifferFromWhatTheApiServerStores) {
  for_each([](const json& manifest) {
    if (manifest.at("kind") == "Secret") return;  // made once, never applied
    const json stored = applied(manifest);
    EXPECT_FALSE(homeserver::differs(manifest, stored)) << stored.dump(1);
  });
}

/// Fields of node ports must not stay behind when the exposure changes, nor be in the way.
TEST_F(Goldens, LetTheExposureBeChangedBackAndForth) {
  const kube::ApplyOptions options{.field_manager = "contract-test"};
  kube::ObjectRef service;
  for (const char* sample : {"minimal", "nodeport", "minimal", "nodeport"}) {
    const std::string folder = source_dir() + "/tests/golden/" + sample;
    const json wanted = documents(folder + "/exposure.yaml").at(0);
    service = {kube::kinds::kService, kNamespace, string_at(wanted, "metadata/name")};
    const json stored = cluster()->apply(kube::kinds::kService, wanted, options).read();
    EXPECT_FALSE(homeserver::differs(wanted, stored)) << sample << stored.dump(1);
    EXPECT_EQ(at_path(stored, "spec").contains("externalTrafficPolicy"),
              string_at(stored, "spec/type") == "NodePort");
  }
  cluster()->remove(service, {});
}

TEST_F(Goldens, MakePodsThatARestrictedNamespaceAdmits) {
  for_each([](const json& manifest) {
    const json& pod_template = at_path(manifest, "spec/template");
    if (pod_template.is_null()) return;
    json pod = {{"apiVersion", "v1"},
                {"kind", "Pod"},
                {"metadata", {{"name", "try"}, {"namespace", kNamespace}}},
                {"spec", pod_template.at("spec")}};
    EXPECT_NO_THROW(cluster()->create(kube::kinds::kPod, pod, kube::DryRun::yes));
  });
}

/// Sent in canonical spelling, a quantity comes back as it was sent.
TEST_F(Goldens, SpellQuantitiesAsTheApiServerDoes) {
  const std::vector<std::string> spellings{
      "1",      "1000m",  "1500m", "0.5",    "1.5",       "2000",       "1536",       "10Gi",
      "1024Mi", "1.5Gi",  "1000M", "100M",   "512Ki",     "1048576Ki",  "2.0",        "1Ki",
      "999",    "1023",   "1024",  "1025Mi", "123456789", "1000000000", "1073741824", "3.250",
      "5P",     "1.25Ti", "64Mi",  "1Mi",    "2500k",     "0.250",      "4"};
  json containers = json::array();
  for (std::size_t i = 0; i < spellings.size(); ++i) {
    containers.push_back(
        {{"name", "c" + std::to_string(i)},
         {"image", "x"},
         {"resources", {{"limits", {{"cpu", api::canonical_quantity(spellings[i])}}}}}});
  }
  const json stored = cluster()
                          ->create(kube::kinds::kPod,
                                   {{"apiVersion", "v1"},
                                    {"kind", "Pod"},
                                    {"metadata", {{"name", "try"}, {"namespace", "default"}}},
                                    {"spec", {{"containers", containers}}}},
                                   kube::DryRun::yes)
                          .read();
  for (std::size_t i = 0; i < spellings.size(); ++i) {
    EXPECT_EQ(string_at(at_path(stored, "spec/containers").at(i), "resources/limits/cpu"),
              api::canonical_quantity(spellings[i]))
        << spellings[i];
  }
}

}  // namespace
}  // namespace alphorn::contract
