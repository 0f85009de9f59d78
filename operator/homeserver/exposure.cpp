#include <algorithm>

#include "homeserver/readiness.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

using Mode = api::Exposure::Mode;

/// The kind of object that outside addresses are given to; "" when the mode has none.
std::string addressed_kind(Mode mode) {
  switch (mode) {
    case Mode::load_balancer:
      return "Service";
    case Mode::ingress:
      return "Ingress";
    case Mode::none:
    case Mode::node_port:
    case Mode::gateway:
      return "";
  }
  return "";
}

Readiness load_balancer_ready(const World& world, const std::string& name) {
  if (!endpoints_of(world).empty()) return kReady;
  return not_ready("LoadBalancerPending",
                   "Service " + name +
                       " waits for the address of a load balancer; when none comes, no controller "
                       "of the cluster makes load balancers of this class");
}

Readiness ingress_ready(const World& world, const std::string& name) {
  const std::string ingress_class = manifests::ingress_class(world.tenant);
  if (ingress_class.empty()) {
    return not_ready("NoDefaultIngressClass",
                     world.ingress_classes_are_known
                         ? "exposure.className is not given and the cluster has no default "
                           "IngressClass"
                         : "exposure.className is not given and the operator may not read which "
                           "IngressClass is the cluster's default");
  }
  if (world.ingress_classes_are_known && !world.ingress_classes.contains(ingress_class)) {
    return not_ready("IngressClassMissing", "the cluster has no IngressClass \"" + ingress_class +
                                                "\"; see kubectl get ingressclass");
  }
  if (world.child("Ingress", name) == nullptr) return absent("Ingress", name);
  if (!endpoints_of(world).empty()) return kReady;
  return not_ready("IngressPending",
                   "Ingress " + name + " waits until the controller of IngressClass \"" +
                       ingress_class + "\" reports an address; when none comes, it does not run " +
                       "or is not set to report one");
}

bool is_about(const json& status, const api::ParentRef& parent) {
  const json& reference = at_path(status, "parentRef");
  return string_at(reference, "name") == parent.name &&
         string_at(reference, "namespace") == parent.ns &&
         string_at(reference, "sectionName") == parent.section;
}

/// What the controller of the Gateway says about the route; both must be true.
Readiness parent_ready(const json& status, std::int64_t generation, const std::string& gateway) {
  for (const char* type : {"Accepted", "ResolvedRefs"}) {
    const json& conditions = at_path(status, "conditions");
    const auto found = std::find_if(conditions.begin(), conditions.end(), [&](const json& one) {
      return string_at(one, "type") == type;
    });
    if (found == conditions.end() ||
        integer_at(*found, "observedGeneration", generation) < generation) {
      return not_ready("RoutePending", gateway + " has not said whether the route is " + type);
    }
    if (string_at(*found, "status") != "True") {
      return not_ready("RouteRefused",
                       gateway + ": " + type + " is " + string_at(*found, "status") + ", " +
                           string_at(*found, "reason") + ": " + string_at(*found, "message"));
    }
  }
  return kReady;
}

Readiness route_ready(const World& world) {
  const api::ParentRef& parent = world.tenant.spec.exposure.parent.value();
  const bool passes = manifests::is_passed_through(world.tenant);
  if (passes && world.tenant.tls_route_version.empty()) {
    return not_ready("TLSRouteMissing",
                     "the cluster does not know TLSRoute of gateway.networking.k8s.io in v1 or "
                     "v1alpha2, which \"exposure.tlsMode: passthrough\" needs: install the "
                     "CustomResourceDefinitions of the Gateway API 1.5 or newer, or the "
                     "experimental ones of an older release");
  }
  if (!passes && !world.tenant.has_routes) {
    return not_ready("GatewayApiMissing",
                     "the cluster does not know HTTPRoute of gateway.networking.k8s.io/v1: install "
                     "the CustomResourceDefinitions of the Gateway API");
  }
  const std::string kind = passes ? "TLSRoute" : "HTTPRoute";
  const std::string name =
      passes ? manifests::passthrough_name(world.tenant) : manifests::gateway_name(world.tenant);
  const json* route = world.child(kind, name);
  if (route == nullptr) return absent(kind, name);
  const std::string gateway = "Gateway " + parent.ns + "/" + parent.name;
  for (const json& status : at_path(*route, "status/parents")) {
    if (!is_about(status, parent)) continue;
    return parent_ready(status, integer_at(*route, "metadata/generation"), gateway);
  }
  return not_ready("RoutePending", kind + " " + name + " waits for " + gateway +
                                       "; when nothing comes, there is no such Gateway or its "
                                       "controller does not run");
}

}  // namespace

json endpoints_of(const World& world) {
  json result = json::array();
  const std::string kind = addressed_kind(world.tenant.spec.exposure.mode);
  const json* object = world.child(kind, manifests::gateway_name(world.tenant));
  if (kind.empty() || object == nullptr) return result;
  for (const json& entry : at_path(*object, "status/loadBalancer/ingress")) {
    const std::string name = string_at(entry, "hostname");
    const std::string endpoint = name.empty() ? string_at(entry, "ip") : name;
    const bool known = std::find(result.begin(), result.end(), endpoint) != result.end();
    if (!endpoint.empty() && !known && result.size() < 16) result.push_back(endpoint);
  }
  return result;
}

bool address_is_known(const World& world) {
  const manifests::Tenant& tenant = world.tenant;
  return world.child("Service", manifests::gateway_name(tenant)) != nullptr &&
         (tenant.spec.exposure.mode != Mode::node_port || tenant.node_port);
}

Readiness exposure_ready(const World& world) {
  const std::string name = manifests::gateway_name(world.tenant);
  if (world.child("Service", name) == nullptr) return absent("Service", name);
  switch (world.tenant.spec.exposure.mode) {
    case Mode::node_port:
      if (world.tenant.node_port) return kReady;
      return not_ready("NodePortPending", "Service " + name + " has no node port yet");
    case Mode::load_balancer:
      return load_balancer_ready(world, name);
    case Mode::ingress:
      return ingress_ready(world, name);
    case Mode::gateway:
      return route_ready(world);
    case Mode::none:
      return kReady;
  }
  return kReady;
}

}  // namespace alphorn::homeserver
