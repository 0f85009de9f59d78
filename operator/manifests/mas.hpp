#pragma once

#include "manifests/tenant.hpp"

/// Matrix Authentication Service (MAS), which keeps the accounts in the homeserver's place. Written
/// against its documentation and never run: preview (docs/decisions/0022).
namespace alphorn::manifests {

/// Its role in the database that the operator runs, and the name of its database.
inline constexpr const char* kMasRole = "mas";

// Entries of the Secret mas_keys(), which are files of their own in its container.
inline constexpr const char* kMasEncryption = "encryption";
inline constexpr const char* kMasSigningKey = "rsa.pem";
inline constexpr const char* kMasPepper = "pepper";
inline constexpr const char* kMasHomeserverSecret = "homeserver";
inline constexpr const char* kMasOperatorSecret = "operator";

/// In the Secret with logins to the database: a second configuration file with the password, the
/// only secret that MAS takes from no file of its own.
inline constexpr const char* kMasDatabaseFile = "mas.yaml";
std::string mas_database_file(const std::string& password);

/// The main configuration file: no secret is in it.
json mas_config(const Tenant& tenant);

/// What the homeserver's configuration says in place of logins of its own, and the file with the
/// secret that it and MAS share.
json delegation_config(const Tenant& tenant);
json shared_secret_volume(const Tenant& tenant);
json shared_secret_mount();

/// Where a provider sends people back to.
std::string mas_redirect_uri(const Tenant& tenant, const api::OidcProvider& provider);

}  // namespace alphorn::manifests
