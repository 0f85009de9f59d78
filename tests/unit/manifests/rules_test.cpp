// What holds for every manifest of every tenant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/quantity.hpp"
#include "manifests/calls.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"
#include "unit/manifests/tenants.hpp"

namespace alphorn::manifests {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

const std::vector<std::string> kSamples{
    "minimal",       "full",    "nodeport", "server-name-with-port",
    "load-balancer", "ingress", "gateway",  "gateway-passthrough",
    "medium",        "large",   "calls",    "calls-load-balancer"};

bool is_kept(const Manifest& manifest) {
  return at_path(manifest, "metadata/labels").contains(kKeepLabel);
}

/// How many policies select the pod.
int policies_over(const json& pod, const Tenant& tenant) {
  int count = 0;
  for (const Manifest& policy : network(tenant)) {
    const json& match = policy.at("spec").at("podSelector").at("matchLabels");
    const json& labels = pod.at("metadata").at("labels");
    const bool selects =
        std::all_of(match.items().begin(), match.items().end(), [&](const auto& label) {
          return labels.contains(label.key()) && labels.at(label.key()) == label.value();
        });
    if (selects) ++count;
  }
  return count;
}

TEST(EveryPod, IsUnderOnePolicyThatSpeaksOfBothDirections) {
  for (const char* sample : {"large", "calls"}) {
    const Tenant tenant = tenant_of(sample);
    for (const json& pod : all_pods(tenant)) {
      EXPECT_EQ(policies_over(pod, tenant), 1) << pod.at("metadata");
    }
    for (const Manifest& policy : network(tenant)) {
      EXPECT_EQ(policy.at("spec").at("policyTypes"), json::array({"Ingress", "Egress"}));
    }
  }
}

TEST(EveryPod, OfADirectoryIsUnderOnePolicyThatLeadsToTheHomeserverAndNameServiceAlone) {
  Tenant tenant = tenant_of("minimal");
  tenant.has_directory = true;
  const json pod = directory_run(tenant, a_directory()).at("spec").at("template");
  EXPECT_EQ(policies_over(pod, tenant), 1);
  const Manifest policy = find(network(tenant), "NetworkPolicy", directory_policy(tenant));
  EXPECT_FALSE(policy.at("spec").contains("ingress"));
  ASSERT_EQ(policy.at("spec").at("egress").size(), 2U);
  EXPECT_EQ(policy.at("spec").at("egress").at(0).at("ports"),
            json::array({{{"protocol", "TCP"}, {"port", kHomeserverPort}}}));
  tenant.has_directory = false;
  EXPECT_EQ(policies_over(pod, tenant), 0) << "no arrow without a directory";
}

TEST(EveryPod, OfAnotherTenantOfTheNamespaceIsUnderNoPolicyOfThisOne) {
  const Tenant tenant = tenant_of("minimal");
  Tenant other = tenant;
  other.name = "bravo";
  for (const json& pod : all_pods(other)) EXPECT_EQ(policies_over(pod, tenant), 0);
}

TEST(EveryPod, IsRestricted) {
  for (const std::string& sample : kSamples) {
    const Tenant tenant = tenant_of(sample);
    const std::vector<json> pods = all_pods(tenant);
    ASSERT_EQ(pods.size(), 4U + (has_workers(tenant) ? 1 + worker_sets(tenant).size() : 0) +
                               (has_calls(tenant) ? 3 : 0));
    for (const json& pod : pods) {
      const json& spec = pod.at("spec");
      const json& security = spec.at("securityContext");
      EXPECT_EQ(security.at("runAsNonRoot"), true);
      EXPECT_GT(security.at("runAsUser").get<int>(), 0);
      EXPECT_EQ(security.at("fsGroup"), security.at("runAsGroup"));
      EXPECT_EQ(security.at("fsGroupChangePolicy"), "OnRootMismatch");
      EXPECT_EQ(string_at(security, "seccompProfile/type"), "RuntimeDefault");
      EXPECT_EQ(spec.at("automountServiceAccountToken"), false);
      EXPECT_EQ(spec.at("enableServiceLinks"), false);
      for (const json& container : containers_of(pod)) {
        EXPECT_EQ(container.at("securityContext"), container_security()) << container.at("name");
      }
    }
  }
}

TEST(EveryPod, IsAsItWasButForOneContainerWhereMetricsAreRead) {
  const Tenant tenant = tenant_of("minimal");
  const auto names = [](const json& pod) {
    std::set<std::string> result;
    for (const json& container : containers_of(pod)) result.insert(container.at("name"));
    return result;
  };
  std::set<std::string> added;
  const std::vector<json> pods = all_pods(watched(tenant));
  for (std::size_t number = 0; number < pods.size(); ++number) {
    std::set<std::string> now = names(pods[number]);
    const std::set<std::string> before = names(all_pods(tenant)[number]);
    EXPECT_TRUE(std::includes(now.begin(), now.end(), before.begin(), before.end()));
    if (now.size() > before.size())
      added.insert(pods[number]["metadata"]["labels"]["app.kubernetes.io/name"]);
    for (const json& container : containers_of(pods[number])) {
      if (container.at("name") != "metrics") continue;
      EXPECT_FALSE(container.contains("readinessProbe"))
          << "it must not take the pod out of service";
      json security = container.at("securityContext");
      security.erase("runAsUser");
      EXPECT_EQ(security, container_security());
    }
  }
  EXPECT_EQ(added, (std::set<std::string>{"database", "gateway"}));
}

TEST(EveryContainer, HasRequestsLimitsCommandAndATemporaryFolder) {
  for (const json& pod : all_pods(tenant_of("large"))) {
    for (const json& container : containers_of(pod)) {
      const std::string name = container.at("name");
      for (const char* amount :
           {"requests/cpu", "requests/memory", "limits/cpu", "limits/memory"}) {
        EXPECT_THAT(string_at(container.at("resources"), amount), Not(IsEmpty())) << name << amount;
      }
      EXPECT_THAT(container.at("command"), Not(IsEmpty())) << name;
      EXPECT_EQ(container.at("imagePullPolicy"), "IfNotPresent") << name;
      std::set<std::string> paths;
      for (const json& mount : container.at("volumeMounts")) paths.insert(mount.at("mountPath"));
      EXPECT_TRUE(paths.contains("/tmp")) << name;
    }
  }
}

TEST(EveryRunningContainer, HasAReadinessProbe) {
  for (const json& pod : all_pods(tenant_of("medium"))) {
    for (const json& container : pod.at("spec").at("containers")) {
      EXPECT_TRUE(container.contains("readinessProbe")) << container.at("name");
    }
  }
}

TEST(EveryMount, HasItsVolume) {
  for (const json& pod : all_pods(tenant_of("large"))) {
    std::set<std::string> volumes;
    for (const json& volume : pod.at("spec").at("volumes")) volumes.insert(volume.at("name"));
    for (const json& container : containers_of(pod)) {
      for (const json& mount : container.at("volumeMounts")) {
        EXPECT_TRUE(volumes.contains(mount.at("name"))) << mount;
      }
    }
  }
}

TEST(EveryChild, CarriesTheLabelsThatInformersSelectOn) {
  for (const std::string& sample : kSamples) {
    const Tenant tenant = tenant_of(sample);
    const auto expect_labels = [&](const json& metadata) {
      EXPECT_EQ(metadata.at("labels").at(kManagedByLabel), kManagedBy);
      EXPECT_EQ(metadata.at("labels").at(kTenantLabel), tenant.name);
    };
    for (const Manifest& manifest : all_manifests(tenant)) {
      expect_labels(manifest.at("metadata"));
      EXPECT_EQ(string_at(manifest, "metadata/namespace"), tenant.ns);
    }
    for (const json& pod : all_pods(tenant)) expect_labels(pod.at("metadata"));
  }
}

TEST(EveryChild, IsOwnedUnlessItIsKept) {
  const Tenant tenant = tenant_of("minimal");
  for (const Manifest& manifest : all_manifests(tenant)) {
    const json& owners = at_path(manifest, "metadata/ownerReferences");
    if (is_kept(manifest)) {
      EXPECT_TRUE(owners.is_null()) << manifest.at("metadata");
      continue;
    }
    ASSERT_EQ(owners.size(), 1U) << manifest.at("metadata");
    EXPECT_EQ(owners[0].at("uid"), tenant.uid);
    EXPECT_EQ(owners[0].at("kind"), "CompanyHomeserver");
    EXPECT_EQ(owners[0].at("controller"), true);
  }
}

TEST(DataAndKeys, AreKeptAndNothingElse) {
  std::set<std::string> kept;
  for (const Manifest& manifest : all_manifests(tenant_of("minimal"))) {
    if (is_kept(manifest)) kept.insert(manifest.at("kind").get<std::string>());
    const bool holds_data =
        manifest.at("kind") == "Secret" || manifest.at("kind") == "PersistentVolumeClaim";
    EXPECT_EQ(is_kept(manifest), holds_data) << manifest.at("metadata").at("name");
  }
  EXPECT_EQ(kept, (std::set<std::string>{"PersistentVolumeClaim", "Secret"}));
}

TEST(EverySelector, FindsItsPodsAndIsStable) {
  for (const Manifest& manifest : all_manifests(tenant_of("large"))) {
    if (manifest.at("kind") == "PodDisruptionBudget") continue;
    const json& match = at_path(manifest, "spec/selector/matchLabels");
    if (match.is_null()) continue;
    const json& pod_labels = at_path(manifest, "spec/template/metadata/labels");
    for (const auto& [key, value] : match.items()) EXPECT_EQ(pod_labels.at(key), value);
    EXPECT_EQ(match.size(), pod_labels.contains(kWorkerRole) ? 3U : 2U);
  }
}

/// Longest pod name: the name, "-", and a ten-digit revision as label value of at most 63.
TEST(EveryName, FitsWhenTheTenantsNameIsAsLongAsAllowed) {
  Tenant tenant = tenant_of("large");
  tenant.name = std::string(40, 'a');
  for (const Manifest& manifest : all_manifests(tenant)) {
    const std::string name = manifest.at("metadata").at("name");
    const std::string kind = manifest.at("kind");
    const bool makes_pods = kind == "StatefulSet" || kind == "Deployment";
    EXPECT_LE(name.size(), makes_pods ? 52U : 63U) << kind << " " << name;
  }
}

void expect_canonical(const json& value) {
  if (value.is_object()) {
    for (const char* kind : {"requests", "limits"}) {
      if (!value.contains(kind)) continue;
      for (const auto& [name, amount] : value.at(kind).items()) {
        EXPECT_EQ(amount, api::canonical_quantity(amount.get<std::string>())) << name;
      }
    }
    if (value.contains("sizeLimit")) {
      const std::string limit = value.at("sizeLimit");
      EXPECT_EQ(limit, api::canonical_quantity(limit));
    }
  }
  if (value.is_structured()) {
    for (const json& inner : value) expect_canonical(inner);
  }
}

TEST(EveryQuantity, IsSpelledAsTheApiServerSpellsIt) {
  for (const std::string& sample : kSamples) {
    for (const Manifest& manifest : all_manifests(tenant_of(sample))) expect_canonical(manifest);
  }
}

TEST(EqualTenants, GiveEqualManifests) {
  for (const std::string& sample : kSamples) {
    EXPECT_EQ(all_manifests(tenant_of(sample)), all_manifests(tenant_of(sample)));
  }
}

}  // namespace
}  // namespace alphorn::manifests
