#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {

Manifests exposure(const Tenant& tenant) {
  const api::Exposure& exposure = tenant.spec.exposure;
  const bool on_nodes = exposure.mode == api::Exposure::Mode::node_port;
  json https = {{"name", "https"}, {"port", kHttpsPort}, {"targetPort", "https"}};
  if (on_nodes && exposure.node_port) https["nodePort"] = *exposure.node_port;
  json spec = {{"type", on_nodes ? "NodePort" : "ClusterIP"},
               {"selector", selector(tenant, "gateway")},
               {"ports", json::array({https})}};
  // Otherwise the node puts its own address in place of the client's, and limits by address would
  // count all clients as one. Nodes without the gateway's pod do not answer.
  if (on_nodes) spec["externalTrafficPolicy"] = "Local";
  return {{{"apiVersion", "v1"},
           {"kind", "Service"},
           {"metadata", metadata(tenant, "exposure", gateway_name(tenant))},
           {"spec", spec}}};
}

}  // namespace alphorn::manifests
