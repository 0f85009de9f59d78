#include "homeserver/components.hpp"

#include "homeserver/backup.hpp"
#include "homeserver/bridges.hpp"
#include "homeserver/calls.hpp"
#include "homeserver/database.hpp"
#include "homeserver/readiness.hpp"
#include "homeserver/workers.hpp"
#include "manifests/backup.hpp"
#include "manifests/bridges.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

using manifests::Tenant;

/// Most components wish for plain manifests.
template <manifests::Manifests (*Render)(const Tenant&)>
std::vector<Wish> manifests_of(const World& world) {
  const manifests::Manifests rendered = Render(world.tenant);
  return {rendered.begin(), rendered.end()};
}

std::vector<Wish> keys(const World& world) {
  const std::vector<manifests::SecretRecipe> recipes = manifests::keys(world.tenant);
  return {recipes.begin(), recipes.end()};
}

/// A claim's class is chosen once: the one it has, the one asked for, or today's default. Neither
/// it nor a size that cannot follow may be asked to change, or every later step would be refused.
std::vector<Wish> volumes(const World& world) {
  manifests::Manifests claims = manifests::volumes(world.tenant);
  for (json& claim : claims) {
    const std::string name = string_at(claim, "metadata/name");
    json& spec = claim["spec"];
    std::string storage_class = spec.value("storageClassName", world.storage_classes.default_name);
    if (const json* actual = world.child("PersistentVolumeClaim", name)) {
      storage_class = string_at(*actual, "spec/storageClassName");
      json& size = spec["resources"]["requests"]["storage"];
      size = claim_size(world, name, size.get<std::string>());
    }
    if (!storage_class.empty()) spec["storageClassName"] = storage_class;
  }
  return {claims.begin(), claims.end()};
}

std::vector<Wish> certificates(const World& world) {
  const Tenant& tenant = world.tenant;
  std::vector<Wish> wishes = manifests_of<manifests::certificates>(world);
  if (!manifests::is_signed_by_operator(tenant)) return wishes;
  const std::string name = manifests::gateway_certificate(tenant);
  wishes.emplace_back(CertificateWish{.secret_name = name,
                                      .metadata = manifests::metadata(tenant, "certificates", name),
                                      .hosts = manifests::public_hosts(tenant)});
  return wishes;
}

/// What is asked for is the company's own to make.
std::vector<Wish> nothing(const World&) { return {}; }

/// The login comes first: the server's pod mounts it.
std::vector<Wish> database(const World& world) {
  std::vector<Wish> wishes;
  if (!world.tenant.login.role.empty()) wishes.emplace_back(login_wish(world));
  for (const auto& part :
       {manifests::database_check_job(world.tenant), manifests::database(world.tenant),
        manifests::database_cluster(world.tenant)}) {
    wishes.insert(wishes.end(), part.begin(), part.end());
  }
  return wishes;
}

std::vector<Wish> administrator(const World& world) {
  return {AdministratorWish{.secret_name = manifests::administrator_secret(world.tenant),
                            .localpart = world.tenant.spec.administrator}};
}

/// What it would start among, or forget too early, must be over first.
std::optional<Readiness> obstacle_of_homeserver(const World& world) {
  const auto obstacle = obstacle_of_workers(world);
  return obstacle ? obstacle : obstacle_of_bridges(world);
}

std::vector<Wish> backup(const World& world) {
  std::vector<Wish> wishes = manifests_of<manifests::backup>(world);
  for (const json& manifest : manifests::drill(world.tenant)) wishes.emplace_back(manifest);
  return wishes;
}

/// Most run one workload.
template <std::string (*Name)(const Tenant&)>
std::vector<std::string> only(const Tenant& tenant) {
  return {Name(tenant)};
}

}  // namespace

const std::vector<Component>& components() {
  // clang-format off
  static const std::vector<Component> table{
      {.name = "network",       .needs = {},                               .desire = manifests_of<manifests::network>,   .ready = network_ready, .ready_by_objects = true},
      {.name = "volumes",       .needs = {},                               .desire = volumes,                            .ready = volumes_ready, .ready_by_objects = true},
      {.name = "keys",          .needs = {"volumes"},                      .desire = keys,                               .ready = keys_ready, .ready_by_objects = true},
      {.name = "certificates",  .needs = {},                               .desire = certificates,                       .ready = certificates_ready},
      {.name = "exposure",      .needs = {},                               .desire = manifests_of<manifests::exposure>,  .ready = exposure_ready, .ready_by_objects = true, .suffices = address_is_known},
      {.name = "authentication", .needs = {},                              .desire = nothing,                            .ready = authentication_ready},
      {.name = "media",         .needs = {},                               .desire = nothing,                            .ready = media_ready},
      {.name = "database",      .needs = {"volumes", "keys"},              .desire = database,                           .ready = database_ready, .ready_by_objects = true, .workloads = only<manifests::database_name>},
      {.name = "redis",         .needs = {"keys"},                         .desire = manifests_of<manifests::redis>,     .ready = redis_ready, .ready_by_objects = true, .workloads = only<manifests::redis_name>, .wanted = manifests::has_workers},
      {.name = "homeserver",    .needs = {"keys", "database", "redis", "exposure", "authentication", "media"}, .desire = manifests_of<manifests::homeserver>, .ready = homeserver_ready, .workloads = only<manifests::homeserver_name>, .held_up = obstacle_of_homeserver},
      {.name = "workers",       .needs = {"homeserver"},                   .desire = manifests_of<manifests::workers>,   .ready = workers_ready, .ready_by_objects = true, .workloads = worker_workloads, .wanted = manifests::has_workers},
      {.name = "bridges",       .needs = {"homeserver", "workers"},        .desire = manifests_of<manifests::bridges>,   .ready = bridges_ready, .ready_by_objects = true, .workloads = bridge_workloads, .wanted = manifests::has_bridges},
      {.name = "bucket",        .needs = {"homeserver", "workers"},                   .desire = nothing,                            .ready = bucket_ready},
      {.name = "gateway",       .needs = {"certificates", "homeserver", "workers"},  .desire = manifests_of<manifests::gateway>,   .ready = gateway_ready, .workloads = only<manifests::gateway_name>, .is_the_door = true},
      {.name = "web",           .needs = {},                               .desire = manifests_of<manifests::web>,       .ready = web_ready, .workloads = only<manifests::web_name>},
      {.name = "mas",           .needs = {"keys", "database", "exposure", "authentication"}, .desire = manifests_of<manifests::mas>, .ready = mas_ready, .workloads = only<manifests::mas_name>, .wanted = manifests::has_mas},
      {.name = "calls",         .needs = {"keys", "exposure"},             .desire = manifests_of<manifests::calls>,     .ready = calls_ready, .workloads = calls_workloads, .is_the_door = true, .wanted = wants_calls},
      {.name = "backup",        .needs = {"network", "keys", "database"},  .desire = backup,    .ready = backup_ready, .ready_by_objects = true, .wanted = wants_backup},
      {.name = "administrator", .needs = {"gateway", "mas"},               .desire = administrator,                      .ready = administrator_ready},
  };
  // clang-format on
  return table;
}

std::string title_case(const std::string& name) {
  std::string title = name;
  if (!title.empty() && title[0] >= 'a' && title[0] <= 'z') {
    title[0] = static_cast<char>(title[0] - 'a' + 'A');
  }
  return title;
}

}  // namespace alphorn::homeserver
