#include "base/encoding.hpp"
#include "manifests/bridges.hpp"
#include "manifests/vocabulary.hpp"

// What the homeserver knows of bridges: who they are, whom they speak for, and by which tokens.
// https://spec.matrix.org/v1.16/application-service-api/#registration
namespace alphorn::manifests {
namespace {

using api::Bridge;

constexpr const char* kKeys = "/keys/bridges";
constexpr const char* kRendered = "/run/homeserver";
constexpr const char* kVolume = "bridge-keys";
constexpr const char* kDoublePuppet = "double-puppet";

std::string in_regex(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view{".+*?()[]{}|^$\\"}.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

json token(const std::string& bridge, const char* entry) {
  return {{"$file", std::string{kKeys} + "/" + bridge + "/" + entry}};
}

json owned(const std::string& regex) { return {{"exclusive", true}, {"regex", regex}}; }

json namespaces(const Tenant& tenant, const Bridge& bridge) {
  const std::string server = in_regex(":" + tenant.spec.server_name);
  const std::vector<std::string> own{bridge.name + "_"};
  json users = json::array({owned("^" + in_regex(bot_of(tenant, bridge)) + "$")});
  for (const std::string& prefix : bridge.generic ? bridge.generic->user_prefixes : own) {
    users.push_back(owned("^@" + in_regex(prefix) + ".*" + server + "$"));
  }
  json aliases = json::array();
  if (bridge.generic) {
    for (const std::string& prefix : bridge.generic->alias_prefixes) {
      aliases.push_back(owned("^#" + in_regex(prefix) + ".*" + server + "$"));
    }
  }
  return {{"users", users}, {"aliases", aliases}, {"rooms", json::array()}};
}

/// heisenbridge reads the prefix of its people out of the first regex, and takes no other form.
json namespaces_of_irc(const Tenant& tenant, const Bridge& bridge) {
  return {
      {"users", json::array({owned("@" + bridge.name + "_.*:" + in_regex(tenant.spec.server_name)),
                             owned(in_regex(bot_of(tenant, bridge)))})},
      {"aliases", json::array()},
      {"rooms", json::array()}};
}

/// The mautrix family wants a sender that is not its bot.
std::string sender_of(const Tenant& tenant, const Bridge& bridge) {
  if (is_mautrix(bridge)) return "_" + bridge.name + "_sender";
  const std::string bot = bot_of(tenant, bridge);
  return bot.substr(1, bot.find(':') - 1);
}

json source(const std::string& secret, const std::string& folder) {
  json items = json::array();
  for (const char* entry : {kAsToken, kHsToken}) {
    items.push_back({{"key", entry}, {"path", folder + "/" + entry}});
  }
  return {{"secret", {{"name", secret}, {"items", items}}}};
}

json services_without_encryption(const Tenant& tenant) {
  json services = json::array();
  for (const Bridge& bridge : live_bridges(tenant)) {
    if (bridge.type == api::BridgeType::irc || is_hookshot(bridge)) services.push_back(bridge.name);
  }
  return services;
}

}  // namespace

bool has_plain_rooms(const Tenant& tenant) {
  return tenant.spec.encrypted_rooms != api::EncryptedRooms::off &&
         !services_without_encryption(tenant).empty();
}

json registration(const Tenant& tenant, const Bridge& bridge) {
  const bool is_irc = bridge.type == api::BridgeType::irc;
  json result = {
      {"id", bridge.name},
      {"url", bridge_url(tenant, bridge)},
      {"as_token", token(bridge.name, kAsToken)},
      {"hs_token", token(bridge.name, kHsToken)},
      {"sender_localpart", sender_of(tenant, bridge)},
      {"rate_limited", false},
      {"namespaces", is_irc ? namespaces_of_irc(tenant, bridge) : namespaces(tenant, bridge)}};
  // One reads no messages between devices, the other has no use for who is typing.
  if (is_irc || is_hookshot(bridge)) return result;
  // Typing, receipts and messages between devices; the first is what it was called before.
  result["de.sorunome.msc2409.push_ephemeral"] = true;
  result["receive_ephemeral"] = true;
  if (has_mas(tenant)) result["io.element.msc4190"] = true;
  return result;
}

/// It has no url: nobody is told anything, and whoever has the token may act as anybody here.
json double_puppet_registration(const Tenant& tenant) {
  const std::string everybody = "@.*" + in_regex(":" + tenant.spec.server_name);
  return {{"id", kDoublePuppet},
          {"url", nullptr},
          {"as_token", token(kDoublePuppet, kAsToken)},
          {"hs_token", token(kDoublePuppet, kHsToken)},
          {"sender_localpart", "_double_puppet"},
          {"rate_limited", false},
          {"namespaces",
           {{"users", json::array({{{"exclusive", false}, {"regex", everybody}}})},
            {"aliases", json::array()},
            {"rooms", json::array()}}}};
}

json registration_files(const Tenant& tenant) {
  json files = json::object();
  for (const Bridge& bridge : live_bridges(tenant)) {
    files["bridge-" + bridge.name + ".yaml"] = to_yaml(registration(tenant, bridge));
  }
  if (has_double_puppets(tenant)) {
    files[std::string{kDoublePuppet} + ".yaml"] = to_yaml(double_puppet_registration(tenant));
  }
  return files;
}

json registration_config(const Tenant& tenant) {
  json result = json::object();
  const std::vector<std::string> arguments = registration_arguments(tenant, "", kRendered);
  for (std::size_t index = 1; index < arguments.size(); index += 2) {
    result["app_service_config_files"].push_back(arguments[index]);
  }
  if (has_plain_rooms(tenant)) {
    json config = {{"services", services_without_encryption(tenant)}};
    // People make rooms for them, not they for people.
    for (const Bridge& bridge : live_bridges(tenant)) {
      if (is_hookshot(bridge)) config["guests"].push_back(bot_of(tenant, bridge));
    }
    result["modules"] =
        json::array({{{"module", "plain_rooms.PlainRooms"}, {"config", std::move(config)}}});
  }
  return result;
}

std::vector<std::string> registration_arguments(const Tenant& tenant, const std::string& from,
                                                const std::string& into) {
  std::vector<std::string> arguments;
  const json files = registration_files(tenant);
  for (const auto& [file, text] : files.items()) {
    arguments.push_back(from + "/" + file);
    arguments.push_back(into + "/" + file);
  }
  return arguments;
}

json registration_volume(const Tenant& tenant) {
  json sources = json::array();
  for (const Bridge& bridge : live_bridges(tenant)) {
    sources.push_back(source(bridge_keys(tenant, bridge), bridge.name));
  }
  if (has_double_puppets(tenant)) {
    sources.push_back(source(double_puppet_keys(tenant), kDoublePuppet));
  }
  return projected_volume(kVolume, sources);
}

json registration_mount() { return read_only_mount(kVolume, kKeys); }

std::string bridge_keys_seen(const Tenant& tenant) {
  json keys = json::object();
  for (const Bridge& bridge : live_bridges(tenant)) {
    const auto seen = tenant.bridges_seen.find(bridge.name);
    keys[bridge.name] = seen == tenant.bridges_seen.end() ? "" : seen->second.keys;
  }
  if (has_double_puppets(tenant)) keys[""] = tenant.double_puppet_seen;
  return keys.empty() ? "" : fingerprint_of(keys);
}

}  // namespace alphorn::manifests
