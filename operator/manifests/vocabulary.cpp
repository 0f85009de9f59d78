#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr int kGroupReadable = 0440;

json owner(const Tenant& tenant) {
  return {{"apiVersion", std::string{api::kGroup} + "/" + api::kVersion},
          {"kind", "CompanyHomeserver"},
          {"name", tenant.name},
          {"uid", tenant.uid},
          {"controller", true},
          {"blockOwnerDeletion", false}};
}

}  // namespace

json labels(const Tenant& tenant, const std::string& component) {
  json result = selector(tenant, component);
  result["app.kubernetes.io/component"] = component;
  result["app.kubernetes.io/part-of"] = "alphorn";
  result[kManagedByLabel] = kManagedBy;
  result[kTenantLabel] = tenant.name;
  return result;
}

json selector(const Tenant& tenant, const std::string& component) {
  return {{"app.kubernetes.io/name", component}, {"app.kubernetes.io/instance", tenant.name}};
}

json metadata(const Tenant& tenant, const std::string& component, const std::string& name) {
  return {{"name", name},
          {"namespace", tenant.ns},
          {"labels", labels(tenant, component)},
          {"ownerReferences", json::array({owner(tenant)})}};
}

json kept_metadata(const Tenant& tenant, const std::string& component, const std::string& name) {
  json result = {{"name", name}, {"namespace", tenant.ns}, {"labels", labels(tenant, component)}};
  result["labels"][kKeepLabel] = "true";
  return result;
}

Manifest config_map(const Tenant& tenant, const std::string& component, const std::string& name,
                    const json& data) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", metadata(tenant, component, name)},
          {"data", data}};
}

json pod_security(int user) {
  return {{"runAsNonRoot", true},
          {"runAsUser", user},
          {"runAsGroup", user},
          {"fsGroup", user},
          {"fsGroupChangePolicy", "OnRootMismatch"},
          {"seccompProfile", {{"type", "RuntimeDefault"}}}};
}

json container_security() {
  return {{"allowPrivilegeEscalation", false},
          {"readOnlyRootFilesystem", true},
          {"capabilities", {{"drop", json::array({"ALL"})}}}};
}

json pod_metadata(const Tenant& tenant, const std::string& component, const json& annotations) {
  return {{"labels", labels(tenant, component)}, {"annotations", annotations}};
}

json pod_spec(const Tenant& tenant, int user, int grace_seconds) {
  json result = {{"automountServiceAccountToken", false},
                 {"enableServiceLinks", false},
                 {"securityContext", pod_security(user)},
                 {"terminationGracePeriodSeconds", grace_seconds}};
  if (!tenant.spec.priority_class.empty()) {
    result["priorityClassName"] = tenant.spec.priority_class;
  }
  return result;
}

json container(const std::string& name, const std::string& image,
               const std::vector<std::string>& command) {
  return {{"name", name},
          {"image", image},
          {"imagePullPolicy", "IfNotPresent"},
          {"command", command},
          // The last words of a program that failed say why: the operator looks for a full disk.
          {"terminationMessagePolicy", "FallbackToLogsOnError"},
          {"securityContext", container_security()}};
}

json resources(const std::string& cpu, const std::string& memory, const std::string& max_cpu,
               const std::string& max_memory) {
  return {{"requests", {{"cpu", cpu}, {"memory", memory}}},
          {"limits", {{"cpu", max_cpu}, {"memory", max_memory}}}};
}

json port(const std::string& name, int number) {
  return {{"name", name}, {"containerPort", number}};
}

json http_probe(const std::string& path, const std::string& port_name) {
  return {{"httpGet", {{"path", path}, {"port", port_name}}}};
}

json exec_probe(const std::vector<std::string>& command) {
  return {{"exec", {{"command", command}}}};
}

json timed(json probe, int period_seconds, int failures, int timeout_seconds) {
  probe["periodSeconds"] = period_seconds;
  probe["failureThreshold"] = failures;
  probe["timeoutSeconds"] = timeout_seconds;
  return probe;
}

json mount(const std::string& volume, const std::string& path) {
  return {{"name", volume}, {"mountPath", path}};
}

json read_only_mount(const std::string& volume, const std::string& path) {
  return {{"name", volume}, {"mountPath", path}, {"readOnly", true}};
}

json claim_volume(const std::string& name, const std::string& claim) {
  return {{"name", name}, {"persistentVolumeClaim", {{"claimName", claim}}}};
}

json config_map_volume(const std::string& name, const std::string& config_map) {
  return {{"name", name}, {"configMap", {{"name", config_map}}}};
}

json secret_volume(const std::string& name, const std::string& secret) {
  return {{"name", name}, {"secret", {{"secretName", secret}, {"defaultMode", kGroupReadable}}}};
}

json projected_volume(const std::string& name, const json& sources) {
  return {{"name", name}, {"projected", {{"sources", sources}, {"defaultMode", kGroupReadable}}}};
}

json scratch_volume(const std::string& name, const std::string& limit) {
  return {{"name", name}, {"emptyDir", {{"sizeLimit", limit}}}};
}

json memory_volume(const std::string& name, const std::string& limit) {
  return {{"name", name}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", limit}}}};
}

std::string label_of(const json& object, const char* name) {
  const json& labels = at_path(object, "metadata/labels");
  return labels.is_object() ? labels.value(name, "") : "";
}

std::string annotation_of(const json& object, const char* name) {
  const json& annotations = at_path(object, "metadata/annotations");
  return annotations.is_object() ? annotations.value(name, "") : "";
}

}  // namespace alphorn::manifests
