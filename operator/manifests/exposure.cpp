#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {

Manifests exposure(const Tenant& tenant) {
  const api::Exposure& exposure = tenant.spec.exposure;
  const bool on_nodes = exposure.mode == api::Exposure::Mode::node_port;
  json https = {{"name", "https"}, {"port", kHttpsPort}, {"targetPort", "https"}};
  if (on_nodes && exposure.node_port) https["nodePort"] = *exposure.node_port;
  return {{{"apiVersion", "v1"},
           {"kind", "Service"},
           {"metadata", metadata(tenant, "exposure", gateway_name(tenant))},
           {"spec",
            {{"type", on_nodes ? "NodePort" : "ClusterIP"},
             {"selector", selector(tenant, "gateway")},
             {"ports", json::array({https})}}}}};
}

}  // namespace alphorn::manifests
