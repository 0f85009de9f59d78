#include "homeserver/settled.hpp"

#include <algorithm>
#include <functional>

#include "homeserver/rotation.hpp"

namespace alphorn::homeserver {

namespace {

std::size_t hash_of(const std::string& text) { return std::hash<std::string>{}(text); }

/// The order counts. The constant is 2^64 divided by the golden ratio.
void mix(std::size_t& into, std::size_t hash) {
  into ^= hash + 0x9e3779b97f4a7c15ULL + (into << 6U) + (into >> 2U);
}

std::size_t hash_of(const ChildId& id) {
  std::size_t hash = hash_of(id.kind);
  mix(hash, hash_of(id.name));
  return hash;
}

std::size_t hash_of(const manifests::SecretRecipe& recipe) {
  std::size_t hash = hash_of(recipe.name);
  mix(hash, hash_of(canonical_bytes(recipe.metadata)));
  for (const auto& entry : recipe.entries) {
    mix(hash, hash_of(entry.key));
    mix(hash, static_cast<std::size_t>(entry.draw));
  }
  return hash;
}

std::size_t hash_of(const CertificateWish& wish) {
  std::size_t hash = hash_of(wish.secret_name);
  mix(hash, hash_of(canonical_bytes(wish.metadata)));
  for (const std::string& host : wish.hosts) mix(hash, hash_of(host));
  return hash;
}

std::size_t hash_of(const AdministratorWish& wish) {
  std::size_t hash = hash_of(wish.secret_name);
  mix(hash, hash_of(wish.localpart));
  return hash;
}

std::size_t hash_of(const LoginWish& wish) {
  std::size_t hash = hash_of(wish.secret_name);
  mix(hash, hash_of(canonical_bytes(wish.metadata)));
  return hash;
}

std::size_t hash_of(const json& manifest) { return hash_of(canonical_bytes(manifest)); }

}  // namespace

Settled::Wishes Settled::wishes_of(const std::vector<Wish>& wishes) {
  Wishes result{.hash = wishes.size()};
  for (const Wish& wish : wishes) {
    mix(result.hash, wish.index());
    mix(result.hash, std::visit([](const auto& one) { return hash_of(one); }, wish));
    if (const auto id = wished_id(wish)) {
      result.objects.push_back(hash_of(*id));
    } else {
      result.are_knowable = false;
    }
  }
  return result;
}

Settled::Inputs Settled::inputs_of(const World& world, TimePoint now) {
  const manifests::Tenant& tenant = world.tenant;
  std::size_t hash = hash_of(tenant.uid);
  for (const std::string& text : {tenant.version,
                                  tenant.images.postgres,
                                  tenant.images.synapse,
                                  tenant.images.nginx,
                                  tenant.images.web,
                                  tenant.images.redis,
                                  tenant.worker_keys_seen,
                                  std::to_string(tenant.workers_seen),
                                  tenant.images.mas,
                                  tenant.images.livekit,
                                  tenant.images.coturn,
                                  tenant.images.lk_jwt_service,
                                  tenant.images.backup,
                                  tenant.backup_seen.problem,
                                  tenant.backup_seen.resource.dump(),
                                  tenant.backup_seen.secrets.dump(),
                                  tenant.calls.media_address,
                                  tenant.calls.turn_address,
                                  tenant.calls.inner_address,
                                  tenant.calls.keys,
                                  tenant.images.postgres_exporter,
                                  tenant.images.nginx_exporter,
                                  tenant.certificate_serial,
                                  tenant.authority_pem,
                                  tenant.operator_ns,
                                  tenant.default_ingress_class,
                                  tenant.tls_route_version,
                                  tenant.client_secrets_seen,
                                  tenant.mas_secrets_seen,
                                  tenant.monitoring_ns,
                                  tenant.keys_rotated,
                                  tenant.old_signing_keys.dump(),
                                  tenant.database_secret_seen,
                                  tenant.login.role,
                                  tenant.login.next,
                                  tenant.login.former,
                                  tenant.login.since,
                                  tenant.login.rotation,
                                  tenant.login.source,
                                  world.storage_classes.default_name}) {
    mix(hash, hash_of(text));
  }
  for (const auto& [name, seen] : tenant.bridges_seen) {
    for (const std::string& text : {name, seen.keys, seen.brought}) mix(hash, hash_of(text));
  }
  for (const auto& [type, image] : tenant.images.bridges) {
    for (const std::string& text : {type, image}) mix(hash, hash_of(text));
  }
  for (const std::string& set : tenant.backup_seen.holds) mix(hash, hash_of(set));
  mix(hash, hash_of(tenant.double_puppet_seen));
  for (const auto* names :
       {&world.storage_classes.names, &world.storage_classes.expandable, &world.ingress_classes}) {
    for (const std::string& name : *names) mix(hash, hash_of(name));
    mix(hash, names->size());
  }
  for (const std::int64_t number :
       {world.resource.generation, static_cast<std::int64_t>(tenant.node_port.value_or(0)),
        static_cast<std::int64_t>(tenant.calls.udp_port.value_or(0)),
        static_cast<std::int64_t>(tenant.calls.tcp_port.value_or(0)),
        static_cast<std::int64_t>(tenant.calls.turn_port.value_or(0)),
        static_cast<std::int64_t>(manifests::database_sleeps(tenant)),
        static_cast<std::int64_t>(tenant.has_certificates),
        static_cast<std::int64_t>(tenant.has_routes),
        static_cast<std::int64_t>(tenant.has_cloudnative_pg),
        static_cast<std::int64_t>(tenant.has_directory),
        static_cast<std::int64_t>(tenant.bridges_leave),
        static_cast<std::int64_t>(world.storage_classes.are_known),
        static_cast<std::int64_t>(world.ingress_classes_are_known),
        static_cast<std::int64_t>(world.database_is_checked)}) {
    mix(hash, static_cast<std::size_t>(number));
  }
  std::size_t compared = hash_of(tenant.uid);
  for (const bool fact : {renewal_is_due(world, now), world.certificate_is_usable})
    mix(compared, fact ? 1 : 0);
  for (const auto& wishes : {world.resource.rotations, due_rotations(world)}) {
    for (const auto& [what, value] : wishes) {
      mix(compared, hash_of(what));
      mix(compared, hash_of(value));
    }
    mix(compared, wishes.size());
  }
  return {.of_wishes = hash, .of_comparison = compared};
}

std::size_t Settled::found_by(const Note& note, const World& world, const Inputs& inputs) {
  std::size_t hash = inputs.of_comparison;
  for (const auto& [id, object] : world.children) {
    const std::size_t name = hash_of(id);
    const auto& objects = note.wishes.objects;
    if (std::find(objects.begin(), objects.end(), name) == objects.end()) continue;
    mix(hash, name);
    mix(hash, hash_of(object.version()));
  }
  return hash;
}

bool Settled::holds(const std::string& component, const World& world, const Inputs& inputs) const {
  const auto found = notes_.find(component);
  return found != notes_.end() && found->second.inputs == inputs.of_wishes &&
         found->second.found == found_by(found->second, world, inputs);
}

bool Settled::holds(const std::string& component, const Wishes& wishes, const World& world,
                    const Inputs& inputs) const {
  const auto found = notes_.find(component);
  return found != notes_.end() && found->second.wishes.hash == wishes.hash &&
         found->second.found == found_by(found->second, world, inputs);
}

bool Settled::is_ready(const std::string& component) const {
  const auto found = notes_.find(component);
  return found != notes_.end() && found->second.ready;
}

void Settled::note(const std::string& component, Wishes wishes, bool ready, const World& world,
                   const Inputs& inputs) {
  Note note{.inputs = inputs.of_wishes, .wishes = std::move(wishes), .ready = ready};
  note.found = found_by(note, world, inputs);
  notes_[component] = std::move(note);
}

bool Settled::wishes_for(const ChildId& id) const {
  const std::size_t name = hash_of(id);
  return std::any_of(notes_.begin(), notes_.end(), [&](const auto& note) {
    const auto& objects = note.second.wishes.objects;
    return std::find(objects.begin(), objects.end(), name) != objects.end();
  });
}

}  // namespace alphorn::homeserver
