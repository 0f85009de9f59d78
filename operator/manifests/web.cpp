#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/web_config.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kConfig = "/etc/web";

/// Not by the image's own entry point, which writes below /etc/nginx: the root is read-only.
json nginx(const Tenant& tenant) {
  const std::string config = kConfig;
  json result =
      container("web", tenant.images.web,
                {"nginx", "-c", config + "/nginx.conf", "-e", "stderr", "-g", "daemon off;"});
  // The page itself: an image without it is not ready.
  const json serves = http_probe("/", "http");
  result["ports"] = json::array({port("http", kWebPort)});
  result["resources"] = resources("10m", "16Mi", "500m", "64Mi");
  result["startupProbe"] = timed(serves, 1, 60, 2);
  result["readinessProbe"] = timed(serves, 5, 2, 2);
  result["livenessProbe"] = timed(serves, 15, 4, 5);
  // Endpoints follow a pod's end with a delay; until then requests still come.
  result["lifecycle"] = {{"preStop", {{"sleep", {{"seconds", 3}}}}}};
  result["volumeMounts"] = json::array({read_only_mount("config", config), mount("tmp", "/tmp")});
  return result;
}

Manifest deployment(const Tenant& tenant, const json& config) {
  json pod = pod_spec(tenant, kDefaultUser, 20);
  pod["containers"] = json::array({nginx(tenant)});
  pod["volumes"] =
      json::array({config_map_volume("config", web_name(tenant)), scratch_volume("tmp", "16Mi")});
  const json annotations = {{kConfigHash, fingerprint_of(config)}};
  return {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", metadata(tenant, "web", web_name(tenant))},
      {"spec",
       {{"replicas", tenant.spec.hibernated ? 0 : 1},
        {"strategy",
         {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 0}, {"maxSurge", 1}}}}},
        {"selector", {{"matchLabels", selector(tenant, "web")}}},
        {"template", {{"metadata", pod_metadata(tenant, "web", annotations)}, {"spec", pod}}}}}};
}

Manifest service(const Tenant& tenant) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", metadata(tenant, "web", web_name(tenant))},
      {"spec",
       {{"selector", selector(tenant, "web")},
        {"ports", json::array({{{"name", "http"}, {"port", kWebPort}, {"targetPort", "http"}}})}}}};
}

}  // namespace

Manifests web(const Tenant& tenant) {
  if (!has_web(tenant)) return {};
  const json files = {{"nginx.conf", scripts::web},
                      {"config.json", web_config(tenant).dump(2) + "\n"}};
  return {config_map(tenant, "web", web_name(tenant), files), service(tenant),
          deployment(tenant, files)};
}

}  // namespace alphorn::manifests
