#pragma once

#include <map>
#include <string>
#include <vector>

#include "manifests/directory.hpp"
#include "manifests/tenant.hpp"

namespace alphorn::manifests {

/// The tenant of crds/samples/<sample>.yaml, as the operator would see it in a cluster.
Tenant tenant_of(const std::string& sample);

/// The same tenant in a cluster whose Prometheus, in namespace "monitoring", reads its metrics.
Tenant watched(Tenant tenant);

/// The runs of crds/samples/directory.yaml against that tenant; its document is a few letters.
Directory a_directory();

/// Manifests by component; keys as the Secrets they become, with the kind of draw in place of
/// values.
std::map<std::string, Manifests> all_components(const Tenant& tenant);

/// The same as one list.
Manifests all_manifests(const Tenant& tenant);

/// The only manifest of that kind and name. Throws std::out_of_range when it is not there.
Manifest find(const Manifests& manifests, const std::string& kind, const std::string& name);

/// Pod templates of all workloads.
std::vector<json> all_pods(const Tenant& tenant);

/// Containers and init containers of a pod template.
std::vector<json> containers_of(const json& pod);

}  // namespace alphorn::manifests
