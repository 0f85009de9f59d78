#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {

std::vector<SecretRecipe> keys(const Tenant& tenant) {
  using Draw = SecretRecipe::Draw;
  const auto recipe = [&](const std::string& name, std::vector<SecretRecipe::Entry> entries) {
    return SecretRecipe{.name = name,
                        .metadata = kept_metadata(tenant, "keys", name),
                        .entries = std::move(entries)};
  };
  return {recipe(homeserver_keys(tenant), {{"signing.key", Draw::signing_key},
                                           {"macaroon", Draw::token},
                                           {"form", Draw::token},
                                           {"registration", Draw::token},
                                           {"pepper", Draw::token}}),
          // A file is a role: its name, its database and its password. The superuser has no
          // password and is reached through the socket inside the pod alone.
          recipe(database_keys(tenant), {{"synapse", Draw::token}}),
          recipe(administrator_secret(tenant), {{"password", Draw::token}})};
}

}  // namespace alphorn::manifests
