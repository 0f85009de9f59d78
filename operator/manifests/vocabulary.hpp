#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "manifests/tenant.hpp"

/// The words that all manifests share. Pure functions; no component is named here.
namespace alphorn::manifests {

/// Every child carries these: informers select on the first, the cache maps by the second.
inline constexpr const char* kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr const char* kManagedBy = "alphorn";
inline constexpr const char* kTenantLabel = "alphorn.dev/tenant";
/// On the gateway's pods: which certificate they show.
inline constexpr const char* kCertificateSerial = "alphorn.dev/certificate-serial";
/// On an Ingress whose class was the cluster's default: which one that was.
inline constexpr const char* kDefaultClass = "alphorn.dev/default-class";
/// "true" on what outlives the tenant: data and keys. Such an object has no owner.
inline constexpr const char* kKeepLabel = "alphorn.dev/keep";
/// Annotation of what outlives its tenant, set once by whoever creates it: the uid of the tenant it
/// was made for. Of a claim, together with the absence of every sign of use, it proves that it is
/// empty; of a Secret, that its values are news to everybody.
inline constexpr const char* kMadeFor = "alphorn.dev/made-for";
/// Annotation of data and keys that the operator is about to erase: the uid of the tenant that
/// goes.
inline constexpr const char* kErasedWith = "alphorn.dev/erased-with";
/// Annotation of pod templates: a changed configuration rolls the pods.
inline constexpr const char* kConfigHash = "alphorn.dev/config-hash";

/// Field managers of server-side apply.
inline constexpr const char* kFieldManager = "alphorn-operator";
inline constexpr const char* kStatusManager = "alphorn-operator-status";

/// User ids in the containers. PostgreSQL needs one that its image knows by name.
inline constexpr int kPostgresUser = 999;
inline constexpr int kDefaultUser = 10001;

json labels(const Tenant& tenant, const std::string& component);
/// The part of the labels that never changes: selectors are immutable.
json selector(const Tenant& tenant, const std::string& component);

/// Metadata of a child that goes with its tenant.
json metadata(const Tenant& tenant, const std::string& component, const std::string& name);
/// Metadata of a child that outlives its tenant.
json kept_metadata(const Tenant& tenant, const std::string& component, const std::string& name);

Manifest config_map(const Tenant& tenant, const std::string& component, const std::string& name,
                    const json& data);

/// The restricted pod security standard, as the pod's and as each container's part of it.
json pod_security(int user);
json container_security();

/// A pod template's metadata and the part of its spec that all pods share. Containers and volumes
/// are added by the caller.
json pod_metadata(const Tenant& tenant, const std::string& component, const json& annotations);
json pod_spec(const Tenant& tenant, int user, int grace_seconds);

/// A container with its image, command and security; ports, probes and mounts are the caller's.
json container(const std::string& name, const std::string& image,
               const std::vector<std::string>& command);

/// Requests and limits of a container whose needs are known.
json resources(const std::string& cpu, const std::string& memory, const std::string& max_cpu,
               const std::string& max_memory);

json port(const std::string& name, int number);
json http_probe(const std::string& path, const std::string& port_name);
json exec_probe(const std::vector<std::string>& command);
json timed(json probe, int period_seconds, int failures, int timeout_seconds);

json mount(const std::string& volume, const std::string& path);
json read_only_mount(const std::string& volume, const std::string& path);

json claim_volume(const std::string& name, const std::string& claim);
json config_map_volume(const std::string& name, const std::string& config_map);
/// Readable by the pod's group, which fsGroup sets, and by nobody else.
json secret_volume(const std::string& name, const std::string& secret);
/// Several Secrets as folders of one volume; as readable as secret_volume().
json projected_volume(const std::string& name, const json& sources);
json scratch_volume(const std::string& name, const std::string& limit);
json memory_volume(const std::string& name, const std::string& limit);

/// The value of an object's label or annotation; "" when there is none.
std::string label_of(const json& object, const char* name);
std::string annotation_of(const json& object, const char* name);

}  // namespace alphorn::manifests
