#pragma once

#include <compare>
#include <string>

#include "base/json.hpp"

namespace alphorn::kube {

/// One resource type as the API server serves it.
struct Kind {
  std::string group;    ///< "" for the core group
  std::string version;  ///< "v1"
  std::string name;     ///< "StatefulSet"
  std::string plural;   ///< "statefulsets"
  bool namespaced = true;

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  auto operator<=>(const Kind&) const = default;
};

/// Which object: kind, namespace ("" when cluster-scoped), name.
struct ObjectRef {
  Kind kind;
  std::string ns;
  std::string name;

  auto operator<=>(const ObjectRef&) const = default;
  /// "StatefulSet acme/acme-database", for logs and messages.
  std::string display() const;
};

/// Namespace and name: what a queue carries. "acme/acme".
struct Key {
  std::string ns;
  std::string name;

  auto operator<=>(const Key&) const = default;
  std::string display() const { return ns.empty() ? name : ns + "/" + name; }
};

/// The key in an object's metadata.
Key key_of(const json& object);

namespace kinds {
// The kinds of Kubernetes and of its Gateway API that the operator uses; each spelled once. Inline,
// so that they are there before any later constant of a file that includes this one.
inline const Kind kConfigMap{"", "v1", "ConfigMap", "configmaps"};
inline const Kind kCronJob{"batch", "v1", "CronJob", "cronjobs"};
inline const Kind kDeployment{"apps", "v1", "Deployment", "deployments"};
inline const Kind kEvent{"events.k8s.io", "v1", "Event", "events"};
inline const Kind kHttpRoute{"gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"};
inline const Kind kIngress{"networking.k8s.io", "v1", "Ingress", "ingresses"};
inline const Kind kIngressClass{"networking.k8s.io", "v1", "IngressClass", "ingressclasses", false};
inline const Kind kJob{"batch", "v1", "Job", "jobs"};
inline const Kind kLease{"coordination.k8s.io", "v1", "Lease", "leases"};
inline const Kind kNamespace{"", "v1", "Namespace", "namespaces", false};
inline const Kind kNetworkPolicy{"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"};
inline const Kind kPersistentVolumeClaim{"", "v1", "PersistentVolumeClaim",
                                         "persistentvolumeclaims"};
inline const Kind kPod{"", "v1", "Pod", "pods"};
inline const Kind kPodDisruptionBudget{"policy", "v1", "PodDisruptionBudget",
                                       "poddisruptionbudgets"};
inline const Kind kSecret{"", "v1", "Secret", "secrets"};
inline const Kind kService{"", "v1", "Service", "services"};
inline const Kind kStatefulSet{"apps", "v1", "StatefulSet", "statefulsets"};
inline const Kind kStorageClass{"storage.k8s.io", "v1", "StorageClass", "storageclasses", false};
inline const Kind kTlsRoute{"gateway.networking.k8s.io", "v1", "TLSRoute", "tlsroutes"};
/// The same objects as clusters have them whose Gateway API is older than 1.5.
inline const Kind kTlsRouteAlpha{"gateway.networking.k8s.io", "v1alpha2", "TLSRoute", "tlsroutes"};
}  // namespace kinds

}  // namespace alphorn::kube
