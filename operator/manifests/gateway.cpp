#include "manifests/bridges.hpp"
#include "manifests/gateway_config.hpp"
#include "manifests/metrics.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kConfig = "/etc/gateway";

json nginx(const Tenant& tenant) {
  const std::string config = kConfig;
  json result = container("nginx", tenant.images.nginx,
                          {"sh", config + "/start_gateway.sh", config + "/nginx.conf",
                           homeserver_name(tenant), "/tmp/upstream.conf"});
  // Not through TLS: a handshake without the tenant's name is refused.
  const json serves = http_probe("/healthz", "health");
  result["ports"] = json::array({port("https", kGatewayPort), port("health", kGatewayHealthPort)});
  if (is_behind_proxy(tenant)) result["ports"].push_back(port("http", kGatewayPlainPort));
  if (has_door_for_bridges(tenant)) result["ports"].push_back(port("bridges", kGatewayBridgesPort));
  result["resources"] = resources("50m", "32Mi", "1", "128Mi");
  result["startupProbe"] = timed(serves, 1, 60, 2);
  result["readinessProbe"] = timed(serves, 5, 2, 2);
  result["livenessProbe"] = timed(serves, 15, 4, 5);
  // Endpoints and node rules follow a pod's end with a delay; until then requests still come.
  result["lifecycle"] = {{"preStop", {{"sleep", {{"seconds", 3}}}}}};
  result["volumeMounts"] =
      json::array({read_only_mount("config", kConfig), read_only_mount("certificate", "/etc/tls"),
                   mount("tmp", "/tmp")});
  return result;
}

Manifest deployment(const Tenant& tenant, const json& config) {
  const json annotations = {{kConfigHash, fingerprint_of(config)},
                            {kCertificateSerial, tenant.certificate_serial}};
  json pod = pod_spec(tenant, kDefaultUser, 20);
  pod["containers"] = json::array({nginx(tenant)});
  pod["volumes"] = json::array({config_map_volume("config", gateway_name(tenant)),
                                secret_volume("certificate", gateway_certificate(tenant)),
                                scratch_volume("tmp", "64Mi")});
  if (is_watched(tenant)) {
    pod["containers"].push_back(gateway_exporter(tenant));
    pod["volumes"].push_back(scratch_volume("metrics-tmp", "1Mi"));
  }
  return {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", metadata(tenant, "gateway", gateway_name(tenant))},
      {"spec",
       {{"replicas", tenant.spec.hibernated ? 0 : 1},
        {"strategy",
         {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 0}, {"maxSurge", 1}}}}},
        {"selector", {{"matchLabels", selector(tenant, "gateway")}}},
        {"template",
         {{"metadata", pod_metadata(tenant, "gateway", annotations)}, {"spec", pod}}}}}};
}

/// Of its own: the gateway's may lead the outside in.
Manifest service_for_bridges(const Tenant& tenant) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", metadata(tenant, "gateway", door_for_bridges(tenant))},
      {"spec",
       {{"selector", selector(tenant, "gateway")},
        {"ports",
         json::array(
             {{{"name", "bridges"}, {"port", kGatewayBridgesPort}, {"targetPort", "bridges"}}})}}}};
}

}  // namespace

Manifests gateway(const Tenant& tenant) {
  const json config = gateway_config(tenant);
  Manifests result{config_map(tenant, "gateway", gateway_name(tenant), config),
                   deployment(tenant, config)};
  if (has_door_for_bridges(tenant)) result.push_back(service_for_bridges(tenant));
  return result;
}

}  // namespace alphorn::manifests
