#include "base/encoding.hpp"
#include "base/secret.hpp"
#include "homeserver/database.hpp"
#include "manifests/bridges.hpp"
#include "manifests/database_login.hpp"
#include "manifests/mas.hpp"
#include "manifests/vocabulary.hpp"

// The only place of the operator that reads a database's passwords.
namespace alphorn::homeserver {

namespace {

using manifests::Tenant;

constexpr std::size_t kPasswordLength = 48;

std::optional<Secret> value_in(const json* secret, const std::string& key) {
  if (secret == nullptr) return std::nullopt;
  const json& value = at_path(at_path(*secret, "data"), key);
  if (!value.is_string()) return std::nullopt;
  return Secret{base64_decode(value.get<std::string>())};
}

/// A file's last line ends in a newline more often than not. Another one inside would be a line of
/// the service file.
Secret line_in(const json* secret, const std::string& name, const std::string& key) {
  const std::optional<Secret> value = value_in(secret, key);
  if (!value) throw std::runtime_error("Secret " + name + " has no key \"" + key + "\"");
  std::string line = value->reveal();
  line.erase(line.find_last_not_of("\r\n") + 1);
  if (line.empty() || line.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos) {
    throw std::runtime_error("key \"" + key + "\" of Secret " + name + " is not one line of text");
  }
  return Secret{line};
}

Secret password_of(const World& world, const std::string& role, const json* seen) {
  if (auto kept = value_in(seen, role)) return *kept;
  if (role != manifests::kDatabaseRole) return random_token(kPasswordLength);
  const std::string first = manifests::database_keys(world.tenant);
  return line_in(world.child("Secret", first), first, manifests::kDatabaseRole);
}

json passwords(const World& world, const manifests::DatabaseLogin& login, const json* seen) {
  json data = json::object();
  for (const std::string& role : {login.role, login.next, login.former}) {
    if (!role.empty()) data[role] = base64_encode(password_of(world, role, seen).reveal());
  }
  return data;
}

std::string file_with(const Tenant& tenant, const std::string& role, const Secret& password) {
  const json parameters =
      manifests::connection_parameters(tenant, role, manifests::mounted_authority());
  return base64_encode(manifests::service_file(parameters, password.reveal()));
}

/// Its first password is its only one: it reads it once, when it starts.
void add_login_of_mas(const World& world, json& data) {
  const std::string name = manifests::database_keys(world.tenant);
  const Secret password = line_in(world.child("Secret", name), name, manifests::kMasRole);
  data[manifests::kMasRole] = base64_encode(password.reveal());
  data[manifests::kMasDatabaseFile] =
      base64_encode(manifests::mas_database_file(password.reveal()));
}

void add_logins_of_bridges(const World& world, json& data) {
  for (const api::Bridge& bridge : manifests::live_bridges(world.tenant)) {
    const std::string name = manifests::bridge_keys(world.tenant, bridge);
    const json* keys = world.child("Secret", name);
    if (!manifests::has_database(bridge) || keys == nullptr) continue;
    const Secret password = line_in(keys, name, manifests::kBridgePassword);
    data[manifests::bridge_role(bridge)] = base64_encode(password.reveal());
  }
}

}  // namespace

json login_secret(const World& world, const LoginWish& wish, const json* seen) {
  const Tenant& tenant = world.tenant;
  const std::string& role = wish.login.role;
  json data = json::object();
  if (const auto external = manifests::external_database(tenant)) {
    const std::string& name = external->secret_name;
    data[manifests::kLoginFile] =
        file_with(tenant, role, line_in(world.child("Secret", name), name, external->secret_key));
    if (!external->ca_bundle.empty()) {
      data[manifests::kLoginAuthority] = base64_encode(external->ca_bundle);
    }
  } else {
    data = passwords(world, wish.login, seen);
    const Secret password{base64_decode(data.at(role).get<std::string>())};
    data[manifests::kLoginFile] = file_with(tenant, role, password);
    if (manifests::has_mas(tenant)) add_login_of_mas(world, data);
    add_logins_of_bridges(world, data);
  }
  json metadata = wish.metadata;
  if (seen != nullptr) metadata["resourceVersion"] = string_at(*seen, "metadata/resourceVersion");
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", metadata},
          {"type", "Opaque"},
          {"data", data}};
}

}  // namespace alphorn::homeserver
