#include "manifests/database_login.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {

std::vector<SecretRecipe> keys(const Tenant& tenant) {
  using Draw = SecretRecipe::Draw;
  const auto recipe = [&](const std::string& name, std::vector<SecretRecipe::Entry> entries) {
    return SecretRecipe{.name = name,
                        .metadata = kept_metadata(tenant, "keys", name),
                        .entries = std::move(entries)};
  };
  std::vector<SecretRecipe> result{
      recipe(homeserver_keys(tenant), {{"signing.key", Draw::signing_key},
                                       {"macaroon", Draw::token},
                                       {"form", Draw::token},
                                       {"registration", Draw::token},
                                       {"pepper", Draw::token}})};
  // A file is a program: the name of its role and its database, and its first password. The
  // superuser has no password and is reached through the socket inside the pod alone.
  if (!has_external_database(tenant)) {
    result.push_back(recipe(database_keys(tenant), {{kDatabaseRole, Draw::token}}));
  }
  result.push_back(recipe(administrator_secret(tenant), {{"password", Draw::token}}));
  // Of no use to anybody once the processes are gone: it goes with them.
  if (has_workers(tenant)) {
    const std::string name = worker_keys(tenant);
    result.push_back(
        {.name = name,
         .metadata = metadata(tenant, "keys", name),
         .entries = {{kReplicationSecret, Draw::token}, {kRedisPassword, Draw::token}}});
  }
  return result;
}

}  // namespace alphorn::manifests
