#include <algorithm>

#include "manifests/bridges.hpp"
#include "manifests/vocabulary.hpp"

// hookshot, which brings in what other programs have to say: webhooks, feeds, GitHub, GitLab, Jira
// and so on. Keys as in https://matrix-org.github.io/matrix-hookshot/latest/setup.html.
namespace alphorn::manifests {
namespace {

using api::Bridge;

/// Its own folder of the Matrix host, for whose name and certificate everybody has them already.
std::string prefix_of(const Bridge& bridge) { return "/_hookshot/" + bridge.name; }

json listener(int port, const char* resource) {
  return {{"port", port}, {"bindAddress", "0.0.0.0"}, {"resources", json::array({resource})}};
}

json listeners(const Bridge& bridge) {
  json webhooks = listener(kWebhooksPort, "webhooks");
  webhooks["prefix"] = prefix_of(bridge);
  return json::array({webhooks, listener(kHookshotMetricsPort, "metrics")});
}

json permission(const std::string& who, const char* level) {
  const json services = json::array({{{"service", "*"}, {"level", level}}});
  return {{"actor", who}, {"services", services}};
}

json permissions(const Tenant& tenant, const Bridge& bridge) {
  json result = json::array();
  if (bridge.users.empty()) {
    result.push_back(permission(tenant.spec.server_name, "manageConnections"));
  }
  for (const std::string& who : bridge.users) {
    result.push_back(permission(who, "manageConnections"));
  }
  for (const std::string& who : bridge.admins) result.push_back(permission(who, "admin"));
  return result;
}

}  // namespace

json hookshot_services(const Tenant& tenant, const Bridge& bridge) {
  return {{"generic",
           {{"enabled", true},
            {"urlPrefix", public_url(tenant) + prefix_of(bridge) + "/webhook/"},
            {"userIdPrefix", bridge.name + "_"},
            {"allowJsTransformationFunctions", false},
            {"enableHttpGet", false}}},
          {"feeds", {{"enabled", true}, {"pollIntervalSeconds", 600}, {"pollTimeoutSeconds", 30}}}};
}

json hookshot_frame(const Tenant& tenant, const Bridge& bridge) {
  return {{"bridge",
           {{"domain", tenant.spec.server_name},
            {"url", homeserver_of_bridges(tenant)},
            {"port", kBridgePort},
            {"bindAddress", "0.0.0.0"}}},
          {"passFile", std::string{kPasskeyFolder} + "/" + kPasskey},
          {"listeners", listeners(bridge)},
          {"metrics", {{"enabled", true}}},
          {"permissions", permissions(tenant, bridge)},
          {"logging", {{"level", "info"}, {"json", true}, {"colorize", false}}}};
}

bool takes_webhooks(const Tenant& tenant) {
  const auto& bridges = tenant.spec.bridges;
  return std::any_of(bridges.begin(), bridges.end(), is_hookshot);
}

std::string webhook_locations(const Tenant& tenant) {
  std::string text = "access_log /dev/stdout access if=$is_no_webhook;\n";
  for (const Bridge& bridge : live_bridges(tenant)) {
    if (!is_hookshot(bridge)) continue;
    text += "location " + prefix_of(bridge) + "/ {\n  client_max_body_size 1m;\n  set $hookshot " +
            bridge_name(tenant, bridge) +
            ".$services;\n  proxy_pass http://$hookshot:" + std::to_string(kWebhooksPort) +
            ";\n}\n";
  }
  return text;
}

std::string webhook_secrecy() {
  return "# Whoever knows the path of a webhook may speak: it is not written down.\n"
         "map $uri $is_no_webhook {\n  default 1;\n  \"~^/_hookshot/\" 0;\n}\n";
}

}  // namespace alphorn::manifests
