#include "manifests/gateway_config.hpp"

#include "manifests/scripts.hpp"

namespace alphorn::manifests {
namespace {

std::string matrix_host(const Tenant& tenant) {
  return "server_name " + tenant.spec.matrix_host + ";\nclient_max_body_size " +
         tenant.spec.max_upload_size + ";\n";
}

/// The company's domain itself serves the well-known documents, and other servers when the server
/// name has a port: then they come here without reading those (server-server API, "Resolving server
/// names", step 2).
std::string domain(const Tenant& tenant) {
  const std::string& server_name = tenant.spec.server_name;
  const std::string name = api::domain_of(server_name);
  if (name == tenant.spec.matrix_host) return "";
  std::string server = "server {\n  listen " + std::to_string(kGatewayPort) +
                       " ssl http2;\n  server_name " + name +
                       ";\n  include /etc/gateway/headers.conf;"
                       "\n  include /etc/gateway/well_known.conf;\n";
  if (name != server_name) server += "  include /etc/gateway/federation.conf;\n";
  return server + "}\n";
}

/// "host:port" for other servers; the port is always said, or they would try 8448.
std::string delegation(const Tenant& tenant) {
  return tenant.spec.matrix_host + ":" + std::to_string(tenant.node_port.value_or(kHttpsPort));
}

json support(const std::string& contact) {
  return {{"contacts", json::array({{{"role", "m.role.admin"}, {"email_address", contact}}})}};
}

std::string document(const json& content) { return content.dump(2) + "\n"; }

}  // namespace

json gateway_config(const Tenant& tenant) {
  json files = {
      {"nginx.conf", scripts::nginx},
      {"headers.conf", scripts::headers},
      {"well_known.conf", scripts::well_known},
      {"federation.conf", federates(tenant) ? scripts::federation : scripts::no_federation},
      {"start_gateway.sh", scripts::start_gateway},
      {"matrix_host.conf", matrix_host(tenant)},
      {"domain.conf", domain(tenant)},
      {"client.json", document({{"m.homeserver", {{"base_url", public_url(tenant)}}}})},
      {"server.json", document({{"m.server", delegation(tenant)}})}};
  // Without a contact there is nothing to say, and the document is absent: 404.
  if (!tenant.spec.contact.empty()) files["support.json"] = document(support(tenant.spec.contact));
  return files;
}

}  // namespace alphorn::manifests
