#pragma once

#include "base/json.hpp"
#include "manifests/tenant.hpp"

/// What logging in adds to the homeserver's configuration and pod.
namespace alphorn::manifests {

/// password_config, the lifetimes of sessions, and oidc_providers, whose secrets are files
/// (Synapse's configuration manual); or that somebody else keeps the accounts.
json login_config(const Tenant& tenant);

/// Of the Secrets that it needs for that; empty lists when there is none.
json login_volumes(const Tenant& tenant);
json login_mounts(const Tenant& tenant);

/// Of the Secrets with the providers' client secrets, in whoever sends people there.
json client_secret_volumes(const api::Authentication& wanted);
json client_secret_mounts(const api::Authentication& wanted);
std::string client_secret_file(const api::OidcProvider& provider);

/// Templates of Jinja, by which a provider's claims become an account. A claim that is missing must
/// fail the login: as a text it would be "None", and one account for all.
std::string localpart_template(const api::OidcProvider& provider);
std::string display_name_template(const api::OidcProvider& provider);

}  // namespace alphorn::manifests
