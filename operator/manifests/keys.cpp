#include "manifests/backup.hpp"
#include "manifests/bridges.hpp"
#include "manifests/calls.hpp"
#include "manifests/database_login.hpp"
#include "manifests/mas.hpp"
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
    std::vector<SecretRecipe::Entry> programs{{kDatabaseRole, Draw::token}};
    if (has_mas(tenant)) programs.push_back({kMasRole, Draw::token});
    result.push_back(recipe(database_keys(tenant), std::move(programs)));
  }
  // Beside the keys themselves: what the homeserver and it know each other by, and what the
  // operator makes accounts with.
  if (has_mas(tenant)) {
    result.push_back(recipe(mas_keys(tenant), {{kMasEncryption, Draw::hex_key},
                                               {kMasSigningKey, Draw::rsa_key},
                                               {kMasPepper, Draw::token},
                                               {kMasHomeserverSecret, Draw::token},
                                               {kMasOperatorSecret, Draw::token}}));
  }
  if (has_backup(tenant)) {
    result.push_back(recipe(backup_name(tenant), {{kBackupPassword, Draw::token}}));
  }
  for (SecretRecipe& one : bridge_recipes(tenant)) result.push_back(std::move(one));
  result.push_back(recipe(administrator_secret(tenant), {{"password", Draw::token}}));
  // Of no use to anybody once the processes are gone: it goes with them.
  if (has_workers(tenant)) {
    const std::string name = worker_keys(tenant);
    result.push_back(
        {.name = name,
         .metadata = metadata(tenant, "keys", name),
         .entries = {{kReplicationSecret, Draw::token}, {kRedisPassword, Draw::token}}});
  }
  // Likewise: tokens and passwords that are made with them last an hour.
  if (has_calls(tenant)) {
    const std::string name = calls_keys(tenant);
    result.push_back({.name = name,
                      .metadata = metadata(tenant, "keys", name),
                      .entries = {{kLiveKitSecret, Draw::token}, {kTurnSecret, Draw::token}}});
  }
  return result;
}

}  // namespace alphorn::manifests
