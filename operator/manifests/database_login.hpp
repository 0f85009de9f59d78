#pragma once

#include "manifests/tenant.hpp"

/// How programs find the database and log in to it: by a service file of libpq, which is read at
/// every connection. So a password changes under a running program (docs/decisions/0012).
namespace alphorn::manifests {

/// The homeserver's role in a database that the operator runs, and the name of that database.
inline constexpr const char* kDatabaseRole = "synapse";
/// The service's name in the file, and the file's name.
inline constexpr const char* kLoginService = "synapse";
inline constexpr const char* kLoginFile = "pg_service.conf";
/// Certificates of the authorities of an external database, beside it.
inline constexpr const char* kLoginAuthority = "ca.crt";

/// The component label of what asks the database.
inline constexpr const char* kDatabaseCheck = "database-check";

/// Annotation of CloudNativePG's Cluster, "on" or "off"; also the type of its condition.
inline constexpr const char* kClusterHibernation = "cnpg.io/hibernation";

/// Metadata of the Secret with that file.
json login_metadata(const Tenant& tenant);

/// The parameters of a connection but for the password, as libpq calls them. `authority` is where
/// the certificates of the database's own authority are mounted.
json connection_parameters(const Tenant& tenant, const std::string& role,
                           const std::string& authority);

/// The same with the password, as the text of a service file.
std::string service_file(const json& parameters, const std::string& password);

/// The path of kLoginAuthority in a program's container.
std::string mounted_authority();

json login_volume(const Tenant& tenant);
json login_mount();
json login_environment();

/// The other of the two roles that take turns.
std::string role_after(const std::string& role);

}  // namespace alphorn::manifests
