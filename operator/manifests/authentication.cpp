#include "manifests/authentication.hpp"

#include <algorithm>

#include "manifests/mas.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

using api::Authentication;
using api::OidcProvider;

std::string volume_of(const OidcProvider& provider) { return "oidc-" + provider.id; }
std::string folder_of(const OidcProvider& provider) { return "/keys/oidc/" + provider.id; }

json policy(const Authentication& wanted) {
  json result = {{"enabled", true}, {"minimum_length", wanted.minimum_length}};
  for (const std::string& kind : wanted.require) result["require_" + kind] = true;
  return result;
}

json user_mapping(const OidcProvider& provider) {
  return {{"config",
           {{"localpart_template", localpart_template(provider)},
            {"display_name_template", display_name_template(provider)}}}};
}

json provider_config(const OidcProvider& provider) {
  const char* source = provider.claims_at_userinfo ? "userinfo_endpoint" : "auto";
  return {{"idp_id", provider.id},
          {"idp_name", provider.display_name},
          {"issuer", provider.issuer},
          {"client_id", provider.client_id},
          {"client_secret_path", client_secret_file(provider)},
          {"scopes", provider.scopes},
          {"user_profile_method", source},
          {"user_mapping_provider", user_mapping(provider)},
          {"enable_registration", provider.create_accounts},
          {"allow_existing_users", provider.allow_existing_users}};
}

}  // namespace

json login_config(const Tenant& tenant) {
  if (has_mas(tenant)) return delegation_config(tenant);
  const Authentication& wanted = tenant.spec.authentication;
  // Synapse refuses to start when a part of a session would outlive the whole.
  const bool ends = !wanted.maximum.empty();
  const bool idles_longer = ends && api::hours_of(wanted.idle) > api::hours_of(wanted.maximum);
  json result = {{"password_config",
                  {{"enabled", wanted.passwords},
                   {"pepper", {{"$file", "/keys/homeserver/pepper"}}},
                   {"policy", policy(wanted)}}},
                 {"refresh_token_lifetime", idles_longer ? wanted.maximum : wanted.idle}};
  if (ends) result["session_lifetime"] = wanted.maximum;
  for (const OidcProvider& provider : wanted.oidc) {
    result["oidc_providers"].push_back(provider_config(provider));
  }
  return result;
}

json login_volumes(const Tenant& tenant) {
  if (has_mas(tenant)) return json::array({shared_secret_volume(tenant)});
  return client_secret_volumes(tenant.spec.authentication);
}

json login_mounts(const Tenant& tenant) {
  if (has_mas(tenant)) return json::array({shared_secret_mount()});
  return client_secret_mounts(tenant.spec.authentication);
}

std::string client_secret_file(const OidcProvider& provider) {
  return folder_of(provider) + "/" + provider.secret_key;
}

/// Providers often give a mail address where a name is asked for.
std::string localpart_template(const OidcProvider& provider) {
  return "{{ user." + provider.localpart_claim + ".split('@')[0] | lower }}";
}

std::string display_name_template(const OidcProvider& provider) {
  return "{{ user." + provider.display_name_claim + " }}";
}

json client_secret_volumes(const Authentication& wanted) {
  json result = json::array();
  for (const OidcProvider& provider : wanted.oidc) {
    result.push_back(secret_volume(volume_of(provider), provider.secret_name));
  }
  return result;
}

json client_secret_mounts(const Authentication& wanted) {
  json result = json::array();
  for (const OidcProvider& provider : wanted.oidc) {
    result.push_back(read_only_mount(volume_of(provider), folder_of(provider)));
  }
  return result;
}

}  // namespace alphorn::manifests
