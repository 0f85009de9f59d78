#include <optional>
#include <stdexcept>
#include <utility>

#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

using Mode = api::Exposure::Mode;

json annotated(json metadata, const api::Exposure& exposure) {
  for (const auto& [key, value] : exposure.annotations) metadata["annotations"][key] = value;
  return metadata;
}

std::string type_of(Mode mode) {
  switch (mode) {
    case Mode::node_port:
      return "NodePort";
    case Mode::load_balancer:
      return "LoadBalancer";
    case Mode::none:
    case Mode::ingress:
    case Mode::gateway:
      return "ClusterIP";
  }
  throw std::logic_error("no such mode of exposure");
}

Manifest service(const Tenant& tenant) {
  const api::Exposure& exposure = tenant.spec.exposure;
  json https = {{"name", "https"}, {"port", kHttpsPort}, {"targetPort", "https"}};
  if (exposure.mode == Mode::node_port && exposure.node_port)
    https["nodePort"] = *exposure.node_port;
  json ports = json::array({https});
  if (is_behind_proxy(tenant)) {
    ports.push_back({{"name", "http"}, {"port", kHttpPort}, {"targetPort", "http"}});
  }
  json spec = {{"type", type_of(exposure.mode)},
               {"selector", selector(tenant, "gateway")},
               {"ports", ports}};
  json meta = metadata(tenant, "exposure", gateway_name(tenant));
  // Otherwise the node puts its own address in place of the client's, and limits by address would
  // count all clients as one. Nodes without the gateway's pod do not answer.
  if (exposure.mode == Mode::node_port || exposure.mode == Mode::load_balancer) {
    spec["externalTrafficPolicy"] = "Local";
  }
  if (exposure.mode == Mode::load_balancer) {
    if (!exposure.class_name.empty()) spec["loadBalancerClass"] = exposure.class_name;
    meta = annotated(meta, exposure);
  }
  return {{"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", meta}, {"spec", spec}};
}

/// It terminates TLS with the tenant's own certificate and speaks plain HTTP to the gateway: that
/// every controller can do without a word in its own dialect.
Manifest ingress(const Tenant& tenant) {
  const api::Exposure& exposure = tenant.spec.exposure;
  const json backend = {
      {"service", {{"name", gateway_name(tenant)}, {"port", {{"name", "http"}}}}}};
  json rules = json::array();
  for (const std::string& host : public_hosts(tenant)) {
    const json path = {{"path", "/"}, {"pathType", "Prefix"}, {"backend", backend}};
    rules.push_back({{"host", host}, {"http", {{"paths", json::array({path})}}}});
  }
  const json tls = {{"hosts", public_hosts(tenant)}, {"secretName", gateway_certificate(tenant)}};
  json meta = annotated(metadata(tenant, "exposure", gateway_name(tenant)), exposure);
  if (exposure.class_name.empty()) meta["annotations"][kDefaultClass] = ingress_class(tenant);
  return {{"apiVersion", "networking.k8s.io/v1"},
          {"kind", "Ingress"},
          {"metadata", meta},
          {"spec",
           {{"ingressClassName", ingress_class(tenant)},
            {"tls", json::array({tls})},
            {"rules", rules}}}};
}

/// With a rule that names no backend yet.
Manifest route_to(const Tenant& tenant, int port, Manifest route, json rule) {
  const api::ParentRef& parent = tenant.spec.exposure.parent.value();
  json reference = {{"name", parent.name}, {"namespace", parent.ns}};
  if (!parent.section.empty()) reference["sectionName"] = parent.section;
  const json backend = {{"name", gateway_name(tenant)}, {"port", port}};
  rule["backendRefs"] = json::array({backend});
  route["spec"] = {{"parentRefs", json::array({reference})},
                   {"hostnames", public_hosts(tenant)},
                   {"rules", json::array({rule})}};
  return route;
}

/// The Gateway terminates TLS with a certificate of its administrator.
Manifest http_route(const Tenant& tenant) {
  const Manifest route = {{"apiVersion", "gateway.networking.k8s.io/v1"},
                          {"kind", "HTTPRoute"},
                          {"metadata", metadata(tenant, "exposure", gateway_name(tenant))}};
  // Whoever waits for news, or uploads a film, waits longer than proxies do by default.
  return route_to(tenant, kHttpPort, route, {{"timeouts", {{"request", "0s"}}}});
}

/// The Gateway looks at the name that is asked for and at nothing else: people see the tenant's own
/// certificate. It is not called as the HTTPRoute is: of two routes with one name Contour tells how
/// one is, and the former goes only once the new one is ready.
Manifest tls_route(const Tenant& tenant) {
  const Manifest route = {{"apiVersion", "gateway.networking.k8s.io/" + tenant.tls_route_version},
                          {"kind", "TLSRoute"},
                          {"metadata", metadata(tenant, "exposure", passthrough_name(tenant))}};
  return route_to(tenant, kHttpsPort, route, json::object());
}

/// The route that the tenant asks for; nothing while the cluster does not know its kind.
std::optional<Manifest> route_of(const Tenant& tenant) {
  if (tenant.spec.exposure.mode != Mode::gateway) return std::nullopt;
  if (is_passed_through(tenant)) {
    if (tenant.tls_route_version.empty()) return std::nullopt;
    return tls_route(tenant);
  }
  if (!tenant.has_routes) return std::nullopt;
  return http_route(tenant);
}

}  // namespace

std::string ingress_class(const Tenant& tenant) {
  const std::string& asked = tenant.spec.exposure.class_name;
  return asked.empty() ? tenant.default_ingress_class : asked;
}

Manifests exposure(const Tenant& tenant) {
  const Mode mode = tenant.spec.exposure.mode;
  Manifests result{service(tenant)};
  if (mode == Mode::ingress && !ingress_class(tenant).empty()) result.push_back(ingress(tenant));
  if (auto route = route_of(tenant)) result.push_back(std::move(*route));
  return result;
}

}  // namespace alphorn::manifests
