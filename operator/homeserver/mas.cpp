#include "homeserver/readiness.hpp"
#include "manifests/vocabulary.hpp"

// Matrix Authentication Service, which keeps the accounts where the resource says so.
namespace alphorn::homeserver {

bool mas_rolled_out(const World& world) {
  return manifests::has_mas(world.tenant) &&
         deployment_ready(world, manifests::mas_name(world.tenant)).ready;
}

/// Whoever kept the accounts first has them: its keys outlive the resource, as the data does.
std::optional<Readiness> accounts_elsewhere(const World& world) {
  const manifests::Tenant& tenant = world.tenant;
  const std::string keys = manifests::mas_keys(tenant);
  const bool has_keys = world.child("Secret", keys) != nullptr;
  if (has_keys && !manifests::has_mas(tenant)) {
    return not_ready("AccountsByMas",
                     "Secret " + keys +
                         " tells that Matrix Authentication Service keeps the accounts of this "
                         "company: say \"authentication: {mas: {enabled: true}}\"");
  }
  const bool had_others =
      world.child("Secret", manifests::homeserver_keys(tenant)) != nullptr && !has_keys;
  if (had_others && manifests::has_mas(tenant) && !data_is_untouched(world)) {
    return not_ready("AccountsByHomeserver",
                     "the data of this company is from before Matrix Authentication Service (there "
                     "is no Secret " +
                         keys +
                         "), and its accounts do not move by themselves: take "
                         "authentication.mas out, or restore the Secret from a backup");
  }
  return std::nullopt;
}

Readiness mas_ready(const World& world) {
  const manifests::Tenant& tenant = world.tenant;
  if (tenant.images.mas.empty()) {
    return not_ready("NoImage", "the operator's catalogue names no image for it (images.mas)");
  }
  const std::string name = manifests::mas_name(tenant);
  if (tenant.spec.hibernated) return hibernation_of(world, "Deployment", name);
  Readiness rollout = deployment_ready(world, name);
  if (!rollout.ready) return rollout;
  if (!world.mas) return not_ready("NotAsked", "it is asked once the gateway answers");
  if (!world.mas->problem.empty()) return silent(world, "mas", world.mas->problem);
  return kReady;
}

}  // namespace alphorn::homeserver
