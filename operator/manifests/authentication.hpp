#pragma once

#include "api/company_homeserver.hpp"
#include "base/json.hpp"

/// What logging in adds to the homeserver's configuration and pod.
namespace alphorn::manifests {

/// password_config, the lifetimes of sessions, and oidc_providers, whose secrets are files
/// (Synapse's configuration manual).
json login_config(const api::Authentication& wanted);

/// Of the Secrets with the providers' client secrets; empty lists when there is no provider.
json client_secret_volumes(const api::Authentication& wanted);
json client_secret_mounts(const api::Authentication& wanted);

}  // namespace alphorn::manifests
