#include "homeserver/settled.hpp"

#include <algorithm>
#include <functional>

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

}  // namespace

std::size_t Settled::inputs_of(const World& world, TimePoint now) {
  const manifests::Tenant& tenant = world.tenant;
  std::size_t hash = hash_of(tenant.uid);
  for (const std::string& text :
       {tenant.version, tenant.images.postgres, tenant.images.synapse, tenant.images.nginx,
        tenant.certificate_serial, tenant.authority_pem, world.storage_classes.default_name}) {
    mix(hash, hash_of(text));
  }
  for (const auto* names : {&world.storage_classes.names, &world.storage_classes.expandable}) {
    for (const std::string& name : *names) mix(hash, hash_of(name));
    mix(hash, names->size());
  }
  const bool renew = world.certificate && now >= certificates::renewal_due(*world.certificate);
  for (const std::int64_t number :
       {world.resource.generation, static_cast<std::int64_t>(tenant.node_port.value_or(0)),
        static_cast<std::int64_t>(renew), static_cast<std::int64_t>(world.certificate_is_usable)}) {
    mix(hash, static_cast<std::size_t>(number));
  }
  return hash;
}

std::size_t Settled::fingerprint_of(const Note& note, const World& world, std::size_t inputs) {
  std::size_t hash = inputs;
  for (const auto& [id, object] : world.children) {
    const std::size_t name = hash_of(id);
    if (std::find(note.objects.begin(), note.objects.end(), name) == note.objects.end()) continue;
    mix(hash, name);
    mix(hash, hash_of(object.version()));
  }
  return hash;
}

bool Settled::holds(const std::string& component, const World& world, std::size_t inputs) const {
  const auto found = notes_.find(component);
  return found != notes_.end() &&
         found->second.fingerprint == fingerprint_of(found->second, world, inputs);
}

bool Settled::is_ready(const std::string& component) const {
  const auto found = notes_.find(component);
  return found != notes_.end() && found->second.ready;
}

void Settled::note(const std::string& component, const std::vector<Wish>& wishes, bool ready,
                   const World& world, std::size_t inputs) {
  Note note{.ready = ready};
  for (const Wish& wish : wishes) {
    if (const auto id = wished_id(wish)) note.objects.push_back(hash_of(*id));
  }
  note.fingerprint = fingerprint_of(note, world, inputs);
  notes_[component] = std::move(note);
}

bool Settled::wishes_for(const ChildId& id) const {
  const std::size_t name = hash_of(id);
  return std::any_of(notes_.begin(), notes_.end(), [&](const auto& note) {
    const auto& objects = note.second.objects;
    return std::find(objects.begin(), objects.end(), name) != objects.end();
  });
}

}  // namespace alphorn::homeserver
