#include "manifests/database_login.hpp"

#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kFolder = "/keys/database";
/// Where Debian keeps the authorities of the world; a libpq before 16 cannot find them by itself.
constexpr const char* kAuthoritiesOfTheWorld = "/etc/ssl/certs/ca-certificates.crt";

}  // namespace

json login_metadata(const Tenant& tenant) {
  // The password of an external database is the company's own to keep.
  return has_external_database(tenant) ? metadata(tenant, "database", database_login(tenant))
                                       : kept_metadata(tenant, "database", database_login(tenant));
}

json connection_parameters(const Tenant& tenant, const std::string& role,
                           const std::string& authority) {
  if (!has_external_database(tenant)) {
    return {{"host", database_name(tenant)},
            {"port", kDatabasePort},
            {"dbname", kDatabaseRole},
            {"user", role}};
  }
  const api::ExternalDatabase external = *external_database(tenant);
  json result = {{"host", external.host},
                 {"port", external.port},
                 {"dbname", external.database},
                 {"user", role},
                 {"sslmode", external.ssl_mode}};
  if (external.ssl_mode.starts_with("verify-")) {
    result["sslrootcert"] = external.ca_bundle.empty() ? kAuthoritiesOfTheWorld : authority;
  }
  return result;
}

std::string service_file(const json& parameters, const std::string& password) {
  std::string text = std::string{"["} + kLoginService + "]\n";
  for (const auto& [key, value] : parameters.items()) {
    text += key + "=" + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
  }
  return text + "password=" + password + "\n";
}

std::string mounted_authority() { return std::string{kFolder} + "/" + kLoginAuthority; }

/// A program sees its own login, not those that are about to come or to go.
json login_volume(const Tenant& tenant) {
  json volume = secret_volume("database-login", database_login(tenant));
  json& items = volume["secret"]["items"];
  items = json::array({{{"key", kLoginFile}, {"path", kLoginFile}}});
  if (has_external_database(tenant) && !external_database(tenant)->ca_bundle.empty()) {
    items.push_back({{"key", kLoginAuthority}, {"path", kLoginAuthority}});
  }
  return volume;
}

json login_mount() { return read_only_mount("database-login", kFolder); }

json login_environment() {
  return {{"name", "PGSERVICEFILE"}, {"value", std::string{kFolder} + "/" + kLoginFile}};
}

std::string role_after(const std::string& role) {
  const std::string first = std::string{kDatabaseRole} + "_a";
  return role == first ? std::string{kDatabaseRole} + "_b" : first;
}

}  // namespace alphorn::manifests
