#include "homeserver/bridges.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "homeserver/readiness.hpp"
#include "manifests/bridges.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

using api::Bridge;

std::string uid_in(const World& world, const std::string& secret) {
  const json* object = world.child("Secret", secret);
  return object == nullptr ? "" : string_at(*object, "metadata/uid");
}

/// What the operator draws is never a company's to bring: it would hand out its keys to any image.
bool is_brought(const json& secret) {
  return manifests::label_of(secret, manifests::kManagedByLabel) != manifests::kManagedBy;
}

std::string version_in(const World& world, const std::string& secret) {
  if (secret.empty()) return "";
  const auto found = world.children.find(ChildId{.kind = "Secret", .name = secret});
  if (found == world.children.end() || !is_brought(*found->second)) return "";
  return found->second.version();
}

Readiness bridge_ready(const World& world, const Bridge& bridge) {
  const manifests::Tenant& tenant = world.tenant;
  if (manifests::bridge_image(tenant, bridge).empty()) {
    return not_ready("NoImage", "the operator's catalogue names no image for it (images.bridges." +
                                    api::name_of(bridge.type) + ")");
  }
  const std::string brought = manifests::brought_secret(bridge);
  const json* secret = brought.empty() ? nullptr : world.child("Secret", brought);
  if (!brought.empty() && secret == nullptr) {
    return not_ready("BridgeSecretMissing", missing_secret(world, brought));
  }
  if (secret != nullptr && !is_brought(*secret)) {
    return not_ready("BridgeSecretMissing",
                     "Secret " + brought + " is the operator's own: name one that you made");
  }
  const std::string name = manifests::bridge_name(tenant, bridge);
  if (tenant.spec.hibernated) return hibernation_of(world, "Deployment", name);
  return deployment_ready(world, name);
}

/// "v0.2608.0" of "dock.mau.dev/mautrix/whatsapp:v0.2608.0"; the digest where there is one.
std::string version_of(const std::string& image) {
  constexpr std::size_t kLongest = 128;
  const std::size_t digest = image.find('@');
  if (digest != std::string::npos) return shortened(image.substr(digest + 1), kLongest);
  const std::size_t colon = image.rfind(':');
  const bool has_tag = colon != std::string::npos && image.find('/', colon) == std::string::npos;
  return has_tag ? shortened(image.substr(colon + 1), kLongest) : "";
}

constexpr std::size_t kLongestMessage = 1024;
constexpr std::chrono::minutes kLoginsHold{10};
constexpr std::chrono::minutes kSilenceHolds{1};

std::string keys_of(const World& world, const Bridge& bridge) {
  const auto seen = world.tenant.bridges_seen.find(bridge.name);
  return seen == world.tenant.bridges_seen.end() ? "" : seen->second.keys;
}

const json& reported_bridge(const World& world, const std::string& name) {
  static const json nothing;
  for (const json& bridge : at_path(world.resource.status, "bridges")) {
    if (string_at(bridge, "name") == name) return bridge;
  }
  return nothing;
}

/// While nobody can be asked, what was told before.
std::optional<std::int64_t> logins_of(const World& world, const Bridge& bridge) {
  if (!manifests::is_mautrix(bridge)) return std::nullopt;
  if (const auto known = world.logins.find(bridge.name); known != world.logins.end()) {
    return known->second;
  }
  const std::int64_t told = integer_at(reported_bridge(world, bridge.name), "logins", -1);
  return told < 0 ? std::nullopt : std::optional{told};
}

std::optional<Bridge> find_by_keys(const World& world, const std::string& secret_name) {
  for (const Bridge& bridge : manifests::live_bridges(world.tenant)) {
    if (manifests::bridge_keys(world.tenant, bridge) == secret_name) return bridge;
  }
  return std::nullopt;
}

/// It should have ended long ago: its node is gone, and with it whatever it had to say.
bool is_lost(const World& world, const json& pod) {
  constexpr std::chrono::minutes kPatience{1};
  const auto end = parse_time(string_at(pod, "metadata/deletionTimestamp"));
  return end && world.seen_at - *end > kPatience;
}

bool is_leaving(const World& world, const json& object) {
  if (manifests::label_of(object, "app.kubernetes.io/name") != manifests::kBridge) return false;
  const std::string name = manifests::label_of(object, manifests::kBridgeLabel);
  return !name.empty() && !world.tenant.bridges_seen.contains(name);
}

}  // namespace

void observe_bridges(World& world) {
  manifests::Tenant& tenant = world.tenant;
  tenant.bridges_seen.clear();
  for (const Bridge& bridge : manifests::live_bridges(tenant)) {
    tenant.bridges_seen[bridge.name] = {
        .keys = uid_in(world, manifests::bridge_keys(tenant, bridge)),
        .brought = version_in(world, manifests::brought_secret(bridge))};
  }
  tenant.bridges_leave = obstacle_of_bridges(world).has_value();
  tenant.double_puppet_seen = manifests::has_double_puppets(tenant)
                                  ? uid_in(world, manifests::double_puppet_keys(tenant))
                                  : "";
}

std::vector<std::string> bridge_workloads(const manifests::Tenant& tenant) {
  std::vector<std::string> names;
  for (const Bridge& bridge : manifests::live_bridges(tenant)) {
    names.push_back(manifests::bridge_name(tenant, bridge));
  }
  return names;
}

Readiness bridges_ready(const World& world) {
  Readiness last = kReady;
  for (const Bridge& bridge : manifests::live_bridges(world.tenant)) {
    last = bridge_ready(world, bridge);
    if (last.ready || last == kHibernated) continue;
    last.message = "bridge " + bridge.name + ": " + last.message;
    return last;
  }
  return last;
}

bool is_leaving_bridge(const World& world, const ChildId& id, const ObjectPtr& object) {
  return id.kind == "Deployment" && id.name.starts_with(world.tenant.name + "-bridge-") &&
         is_leaving(world, *object);
}

bool is_of_bridge(const World& world, const std::string& secret_name) {
  return find_by_keys(world, secret_name).has_value();
}

std::optional<Readiness> obstacle_of_bridges(const World& world) {
  const auto waits = [](const std::string& what) {
    return not_ready("Stopping", what +
                                     " of a bridge that is wanted no more is being stopped; the "
                                     "homeserver forgets the bridge after that");
  };
  for (const ObjectPtr& pod : world.pods) {
    if (is_leaving(world, *pod) && !is_lost(world, *pod))
      return waits("pod " + string_at(*pod, "metadata/name"));
  }
  for (const auto& [id, object] : world.children) {
    if (is_leaving_bridge(world, id, object)) return waits(id.display());
  }
  return std::nullopt;
}

bool KnownLogins::is_due(const World& world, const Bridge& bridge) const {
  if (!manifests::is_mautrix(bridge) || !bridge_ready(world, bridge).ready) return false;
  const auto asked = asked_.find(bridge.name);
  return asked == asked_.end() || world.seen_at >= asked->second.again_at ||
         asked->second.keys != keys_of(world, bridge);
}

void KnownLogins::note(const World& world, const Bridge& bridge, std::optional<int> people) {
  Asked& asked = asked_[bridge.name];
  asked.keys = keys_of(world, bridge);
  asked.again_at = world.seen_at + (people ? kLoginsHold : kSilenceHolds);
  if (people) asked.people = people;
}

std::optional<int> KnownLogins::of(const Bridge& bridge) const {
  const auto asked = asked_.find(bridge.name);
  return asked == asked_.end() ? std::nullopt : asked->second.people;
}

bool is_new_to_homeserver(const World& world, const std::string& secret_name) {
  const manifests::Tenant& tenant = world.tenant;
  if (secret_name == manifests::double_puppet_keys(tenant)) return true;  // nothing is kept by it
  const std::optional<Bridge> bridge = find_by_keys(world, secret_name);
  if (!bridge) return false;
  return !manifests::has_lasting_keys(*bridge) ||
         at_path(reported_bridge(world, bridge->name), "registered") != true;
}

json bridges_status(const World& world, bool is_registered) {
  json result = json::array();
  for (const Bridge& bridge : world.tenant.spec.bridges) {
    json entry = {{"name", bridge.name}, {"type", api::name_of(bridge.type)}};
    if (!manifests::is_alive(bridge)) {
      entry.update({{"registered", false}, {"ready", false}, {"reason", "Retired"}});
      result.push_back(std::move(entry));
      continue;
    }
    const Readiness readiness = bridge_ready(world, bridge);
    const bool was_registered = at_path(reported_bridge(world, bridge.name), "registered") == true;
    entry.update({{"bot", manifests::bot_of(world.tenant, bridge)},
                  {"registered", is_registered || was_registered},
                  {"ready", readiness.ready}});
    if (!readiness.ready) {
      entry["reason"] = readiness.reason;
      entry["message"] = shortened(readiness.message, kLongestMessage);
    }
    const std::string version = version_of(manifests::bridge_image(world.tenant, bridge));
    if (!version.empty()) entry["version"] = version;
    if (const auto people = logins_of(world, bridge)) entry["logins"] = *people;
    result.push_back(std::move(entry));
  }
  return result;
}

std::string retired_bridges(const World& world) {
  std::string names;
  for (const Bridge& bridge : world.tenant.spec.bridges) {
    if (!manifests::is_alive(bridge)) names += (names.empty() ? "" : ", ") + bridge.name;
  }
  if (names.empty()) return "";
  return names +
         ": Skype was shut down on 5 May 2025, and nothing can be bridged to it. Its people moved "
         "to Microsoft Teams, for which no bridge exists. Invite them as guests, federate with a "
         "Matrix server of theirs, or reach them through a bridge of type whatsapp, signal or "
         "telegram; then take this one out of spec.bridges";
}

}  // namespace alphorn::homeserver
