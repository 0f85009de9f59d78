#include "manifests/web_config.hpp"

#include "manifests/calls.hpp"

namespace alphorn::manifests {
namespace {

/// What the homeserver does not offer is not shown: accounts are the company's to give, there is no
/// identity server, no mail, no link previews, and calls only where they were asked for.
json hidden_features(const Tenant& tenant) {
  json settings = json::object();
  for (const char* feature : {"registration", "passwordReset", "identityServer", "thirdPartyId",
                              "urlPreviews", "feedback", "shareSocial"}) {
    settings[std::string{"UIFeature."} + feature] = false;
  }
  if (!has_calls(tenant)) settings["UIFeature.voip"] = false;
  return settings;
}

/// Calls are joined by web sockets.
std::string calls_of(const Tenant& tenant) {
  if (!has_calls(tenant)) return "";
  const std::string url = rtc_url(tenant);
  return " " + url + " wss" + url.substr(std::string{"https"}.size());
}

}  // namespace

json web_config(const Tenant& tenant) {
  const std::string homeserver = public_url(tenant);
  json config = {
      {"default_server_config",
       {{"m.homeserver", {{"base_url", homeserver}, {"server_name", tenant.spec.server_name}}}}},
      {"brand", tenant.spec.web_client.brand},
      {"disable_guests", true},
      {"disable_custom_urls", true},
      {"disable_3pid_login", true},
      {"default_federate", federates(tenant)},
      {"embedded_pages", {{"login_for_welcome", true}}},
      {"element_call", {{"use_exclusively", !has_calls(tenant) || has_group_calls(tenant)}}},
      {"mobile_guide_app_variant", "element"},
      {"mobile_guide_toast", true},
      // The homeserver keeps no presence.
      {"enable_presence_by_hs_url", {{homeserver, false}}},
      // Element has defaults for these two. What is absent stays switched off: reports of errors
      // (bug_report_endpoint_url), analytics (posthog, sentry) and maps (map_style_url).
      {"integrations_ui_url", ""},
      {"integrations_rest_url", ""},
      {"setting_defaults", hidden_features(tenant)}};
  // Links to rooms lead through matrix.to, unless nobody else could follow them anyway.
  if (!federates(tenant)) config["permalink_prefix"] = web_url(tenant);
  return config;
}

std::string content_security_policy(const Tenant& tenant) {
  const std::string homeserver = " " + public_url(tenant);
  const std::string domain = " https://" + api::domain_of(tenant.spec.server_name);
  const std::string accounts = has_mas(tenant) ? " " + account_url(tenant) : "";
  return "default-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; "
         "script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
         "font-src 'self' data:; manifest-src 'self'; worker-src 'self' blob:; "
         "frame-src 'self' blob: data:; img-src 'self' blob: data:" +
         homeserver + "; media-src 'self' blob: data:" + homeserver +
         "; connect-src 'self' blob: data:" + homeserver + domain + accounts + calls_of(tenant);
}

}  // namespace alphorn::manifests
