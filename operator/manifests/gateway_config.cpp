#include "manifests/gateway_config.hpp"

#include "manifests/bridges.hpp"
#include "manifests/calls.hpp"
#include "manifests/metrics.hpp"
#include "manifests/scripts.hpp"
#include "manifests/web_config.hpp"
#include "manifests/workers.hpp"

namespace alphorn::manifests {
namespace {

/// Networks that no client of the internet comes from.
const std::vector<std::string>& private_networks() {
  static const std::vector<std::string> networks{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                                 "100.64.0.0/10", "fc00::/7"};
  return networks;
}

/// Where the cluster's own proxy comes in, having terminated TLS: it tells the client's address and
/// whether the client came by TLS. Who did not is sent there, before a password goes further.
std::string behind_proxy(const Tenant& tenant) {
  if (!is_behind_proxy(tenant)) return "";
  std::string text = "listen " + std::to_string(kGatewayPlainPort) + ";\n";
  const auto& proxies = tenant.spec.exposure.trusted_proxies;
  for (const std::string& network : proxies.empty() ? private_networks() : proxies) {
    text += "set_real_ip_from " + network + ";\n";
  }
  return text +
         "real_ip_header X-Forwarded-For;\n"
         "set $entrance \"$scheme $http_x_forwarded_proto\";\n"
         "if ($entrance !~ \"^(https |http https)\") {\n"
         "  return 301 https://$host$request_uri;\n"
         "}\n";
}

/// Names that are not this tenant's get no answer behind a proxy either.
std::string stranger(const Tenant& tenant) {
  if (!is_behind_proxy(tenant)) return "";
  return "server {\n  listen " + std::to_string(kGatewayPlainPort) +
         " default_server;\n  return 421;\n}\n";
}

std::string fence(const Tenant& tenant) {
  return tenant.spec.fenced ? "include /etc/gateway/fence.conf;\n" : "";
}

std::string name_of_mas(const Tenant& tenant) {
  return "set $mas " + mas_name(tenant) + ".$services;\n";
}

/// Where somebody else keeps the accounts, logins go there.
std::string logins(const Tenant& tenant) {
  return has_mas(tenant) ? name_of_mas(tenant) + "include /etc/gateway/mas.conf;\n" : "";
}

std::string matrix_host(const Tenant& tenant) {
  return "server_name " + tenant.spec.matrix_host + ";\nclient_max_body_size " +
         tenant.spec.max_upload_size + ";\n" + behind_proxy(tenant) + fence(tenant) +
         logins(tenant) + (takes_webhooks(tenant) ? "include /etc/gateway/webhooks.conf;\n" : "");
}

/// The company's domain itself serves the well-known documents, and other servers when the server
/// name has a port: then they come here without reading those (server-server API, "Resolving server
/// names", step 2).
std::string domain(const Tenant& tenant) {
  const std::string& server_name = tenant.spec.server_name;
  const std::string name = api::domain_of(server_name);
  if (name == tenant.spec.matrix_host) return stranger(tenant);
  std::string server = "server {\n  listen " + std::to_string(kGatewayPort) +
                       " ssl http2;\n  server_name " + name + ";\n" + behind_proxy(tenant) +
                       fence(tenant) +
                       "  include /etc/gateway/headers.conf;"
                       "\n  include /etc/gateway/well_known.conf;\n";
  if (name != server_name) {
    if (has_group_calls(tenant)) server += "  include /etc/gateway/openid.conf;\n";
    server += "  include /etc/gateway/federation.conf;\n";
  }
  return server + "}\n" + stranger(tenant);
}

/// The web client's own host: what it may do in a browser differs from what documents of the others
/// may.
std::string web_server(const Tenant& tenant) {
  if (!has_web(tenant)) return "";
  return "server {\n  listen " + std::to_string(kGatewayPort) + " ssl http2;\n  server_name " +
         tenant.spec.web_host + ";\n" + behind_proxy(tenant) +
         "  add_header Content-Security-Policy \"" + content_security_policy(tenant) +
         "\" always;\n  set $web " + web_name(tenant) +
         ".$services;\n  include /etc/gateway/web_host.conf;\n}\n";
}

std::string account_server(const Tenant& tenant) {
  return "server {\n  listen " + std::to_string(kGatewayPort) + " ssl http2;\n  server_name " +
         tenant.spec.account_host + ";\n" + behind_proxy(tenant) + fence(tenant) + "  " +
         name_of_mas(tenant) + "  include /etc/gateway/mas_host.conf;\n}\n";
}

std::string calls_server(const Tenant& tenant) {
  std::string names = "  set $livekit " + livekit_name(tenant) + ".$services;\n";
  if (has_group_calls(tenant)) {
    names += "  set $lk_jwt " + lk_jwt_name(tenant) +
             ".$services;\n  include /etc/gateway/rtc_group.conf;\n";
  }
  return "server {\n  listen " + std::to_string(kGatewayPort) + " ssl http2;\n  server_name " +
         tenant.spec.rtc_host + ";\n" + behind_proxy(tenant) + fence(tenant) + names +
         "  include /etc/gateway/rtc_host.conf;\n}\n";
}

void add_calls(const Tenant& tenant, json& files) {
  if (!has_calls(tenant)) return;
  files["calls.conf"] = calls_server(tenant);
  files["rtc_host.conf"] = scripts::rtc_host;
  if (!has_group_calls(tenant)) return;
  files["rtc_group.conf"] = scripts::rtc_group;
  files["openid.conf"] = scripts::openid;
}

/// Apps of today ask the homeserver who keeps the accounts; those of yesterday read it here
/// (MSC2965).
json client_document(const Tenant& tenant) {
  json content = {{"m.homeserver", {{"base_url", public_url(tenant)}}}};
  if (has_mas(tenant)) {
    content["org.matrix.msc2965.authentication"] = {{"issuer", account_url(tenant) + "/"},
                                                    {"account", account_url(tenant) + "/account/"}};
  }
  if (has_group_calls(tenant)) content["org.matrix.msc4143.rtc_foci"] = rtc_foci(tenant);
  return content;
}

/// "host:port" for other servers; the port is always said, or they would try 8448.
std::string delegation(const Tenant& tenant) {
  return tenant.spec.matrix_host + ":" + std::to_string(tenant.node_port.value_or(kHttpsPort));
}

/// For bridges, which are inside already and ask in plain HTTP. Where there is a worker for files,
/// the main process takes none.
std::string server_for_bridges(const Tenant& tenant) {
  return "server {\n  listen " + std::to_string(kGatewayBridgesPort) +
         ";\n  client_max_body_size " + tenant.spec.max_upload_size + ";\n" + logins(tenant) +
         "  include /etc/gateway/worker_routes*.conf;\n  include /etc/gateway/homeserver.conf;\n"
         "  location / {\n    return 404;\n  }\n}\n";
}

/// The second is found by the pattern of server_for_bridges().
void add_webhooks(const Tenant& tenant, json& files) {
  if (!takes_webhooks(tenant)) return;
  files["webhooks.conf"] = webhook_locations(tenant);
  files["bridges_webhooks.conf"] = webhook_secrecy();
}

json support(const std::string& contact) {
  return {{"contacts", json::array({{{"role", "m.role.admin"}, {"email_address", contact}}})}};
}

std::string document(const json& content) { return content.dump(2) + "\n"; }

}  // namespace

json gateway_config(const Tenant& tenant) {
  json files = {
      {"nginx.conf", scripts::nginx},
      {"homeserver.conf", scripts::homeserver},
      {"headers.conf", scripts::headers},
      {"well_known.conf", scripts::well_known},
      {"federation.conf", federates(tenant) ? scripts::federation : scripts::no_federation},
      {"start_gateway.sh", scripts::start_gateway},
      {"matrix_host.conf", matrix_host(tenant)},
      {"domain.conf", domain(tenant)},
      {"web.conf", web_server(tenant)},
      {"client.json", document(client_document(tenant))},
      {"server.json", document({{"m.server", delegation(tenant)}})}};
  if (has_web(tenant)) files["web_host.conf"] = scripts::web_host;
  if (has_mas(tenant)) {
    files["account.conf"] = account_server(tenant);
    files["mas.conf"] = scripts::mas;
    files["mas_host.conf"] = scripts::mas_host;
  }
  add_calls(tenant, files);
  add_webhooks(tenant, files);
  if (tenant.spec.fenced) files["fence.conf"] = scripts::fence;
  // Without a contact there is nothing to say, and the document is absent: 404.
  if (!tenant.spec.contact.empty()) files["support.json"] = document(support(tenant.spec.contact));
  if (is_watched(tenant)) files["status.conf"] = gateway_status();
  if (has_door_for_bridges(tenant)) files["bridges.conf"] = server_for_bridges(tenant);
  files.update(worker_routes(tenant));
  return files;
}

}  // namespace alphorn::manifests
