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
// The built-in kinds that the operator uses; each spelled once.
extern const Kind kConfigMap;
extern const Kind kDeployment;
extern const Kind kEvent;  // events.k8s.io/v1
extern const Kind kLease;
extern const Kind kNamespace;
extern const Kind kPersistentVolumeClaim;
extern const Kind kPod;
extern const Kind kSecret;
extern const Kind kService;
extern const Kind kServiceAccount;
extern const Kind kStatefulSet;
extern const Kind kStorageClass;
}  // namespace kinds

}  // namespace alphorn::kube
