#include "plan/room_state.hpp"

#include <algorithm>
#include <charconv>

namespace alphorn::plan {
namespace {

using directory::Directory;
using directory::JoinRule;
using directory::Room;

constexpr const char* kPlaceholder = "$room:";
constexpr int kAdministrator = 100;
constexpr int kModerator = 50;
constexpr int kFirstVersionWithCreators = 12;
/// In rooms of version 12 an administrator may do everything but end the room (MSC4289).
constexpr int kOnlyCreators = 150;

/// What the creator has of a room in which it does not stand above the levels.
constexpr int kCreator = 1000;

bool creators_stand_above(const std::string& text) {
  int version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version >= kFirstVersionWithCreators;
}

json join_rules(const Room& room) {
  json content = {{"join_rule", word_for(room.join_rule, directory::join_rule_words())}};
  if (room.join_rule == JoinRule::restricted || room.join_rule == JoinRule::knock_restricted) {
    content["allow"] =
        json::array({{{"type", "m.room_membership"}, {"room_id", room_placeholder(room.parent)}}});
  }
  return content;
}

json default_power(const Room& room, const std::string& version) {
  const int end = creators_stand_above(version) ? kOnlyCreators : kAdministrator;
  return {{"users_default", 0},
          {"events_default", room.is_space ? kAdministrator : 0},
          {"state_default", kModerator},
          {"ban", kModerator},
          {"kick", kModerator},
          {"redact", kModerator},
          // Synapse's private presets let every member invite.
          {"invite", kModerator},
          {"notifications", {{"room", kModerator}}},
          {"events",
           {{"m.room.name", kModerator},
            {"m.room.avatar", kModerator},
            {"m.room.topic", kModerator},
            {"m.room.canonical_alias", kModerator},
            {"m.room.power_levels", kAdministrator},
            {"m.room.history_visibility", kAdministrator},
            {"m.room.encryption", kAdministrator},
            {"m.room.join_rules", kAdministrator},
            {"m.room.server_acl", kAdministrator},
            {"m.room.tombstone", end},
            {"m.space.child", kModerator},
            {kLocator, kAdministrator}}}};
}

std::string managed_level(const std::string& action) { return "m.room.power_levels." + action; }

/// What the document determines of a room and might not one day.
json managed(const Room& room) {
  json names = json::array();
  if (!room.topic.empty()) names.push_back("m.room.topic");
  if (!room.avatar.empty()) names.push_back("m.room.avatar");
  if (room.retention_ms) names.push_back("m.room.retention");
  for (const auto& [action, level] : room.power_actions) names.push_back(managed_level(action));
  return names;
}

/// Clients and bridges add levels for events of their own: those stay, unless they were the
/// document's once.
void keep_unknown_levels(json& content, const LiveRoom& live) {
  const json& once = at_path(live.content(kLocator), "managed");
  const auto was_ours = [&](const std::string& action) {
    return std::find(once.begin(), once.end(), managed_level(action)) != once.end();
  };
  const json& present = live.content("m.room.power_levels");
  for (const auto& [action, level] : present.items()) {
    if (!content.contains(action) && action != "users" && !was_ours(action)) {
      content[action] = level;
    }
  }
  for (const auto& [type, level] : at_path(present, "events").items()) {
    if (!content["events"].contains(type) && !was_ours(type)) content["events"][type] = level;
  }
}

}  // namespace

std::string room_placeholder(const std::string& key) { return kPlaceholder + key; }

bool is_placeholder(const std::string& text) { return text.starts_with(kPlaceholder); }

std::string placeholder_key(const std::string& text) {
  return text.substr(std::string_view(kPlaceholder).size());
}

std::string with_ids(const std::string& text, const std::map<std::string, std::string>& ids) {
  if (!is_placeholder(text)) return text;
  const auto found = ids.find(placeholder_key(text));
  return found == ids.end() ? text : found->second;
}

json with_ids(const json& content, const std::map<std::string, std::string>& ids) {
  if (content.is_string()) return with_ids(content.get_ref<const std::string&>(), ids);
  if (!content.is_structured()) return content;
  json result = content;
  for (json& entry : result) entry = with_ids(entry, ids);
  return result;
}

State desired_state(const Room& room, const Directory& directory) {
  State state;
  state[{kLocator, ""}] = {{"key", room.key}, {"managed", managed(room)}};
  state[{"m.room.name", ""}] = {{"name", room.name}};
  if (!room.topic.empty()) state[{"m.room.topic", ""}] = {{"topic", room.topic}};
  if (!room.avatar.empty()) state[{"m.room.avatar", ""}] = {{"url", room.avatar}};
  state[{"m.room.join_rules", ""}] = join_rules(room);
  state[{"m.room.history_visibility", ""}] = {
      {"history_visibility", word_for(room.history, directory::history_words())}};
  state[{"m.room.guest_access", ""}] = {{"guest_access", "forbidden"}};
  if (room.encrypted) {
    state[{"m.room.encryption", ""}] = {{"algorithm", "m.megolm.v1.aes-sha2"}};
  }
  if (room.retention_ms) {
    state[{"m.room.retention", ""}] = {{"max_lifetime", *room.retention_ms}};
  }
  const json via = json::array({directory.server_name});
  if (!room.parent.empty()) {
    state[{"m.space.parent", room_placeholder(room.parent)}] = {{"via", via}, {"canonical", true}};
  }
  for (const Room& child : directory.rooms) {
    if (child.parent != room.key || room.key.empty()) continue;
    state[{"m.space.child", room_placeholder(child.key)}] = {{"via", via},
                                                             {"suggested", child.suggested}};
  }
  return state;
}

std::map<std::string, int> leaders_of(const Room& room, const std::set<std::string>& here) {
  std::map<std::string, int> users;
  bool led = false;
  for (const auto& [user, level] : room.power_users) {
    if (!here.contains(user)) continue;
    users[user] = level;
    led = led || level >= kAdministrator;
  }
  if (led) return users;
  for (const std::string& deputy : room.deputies) {
    if (!here.contains(deputy)) continue;
    users[deputy] = kAdministrator;
    break;
  }
  return users;
}

json desired_power(const Room& room, const std::map<std::string, int>& leaders,
                   const std::string& bot, const LiveRoom* live) {
  const std::string version = live == nullptr ? room.version : live->version();
  json content = default_power(room, version);
  if (live != nullptr) keep_unknown_levels(content, *live);
  const json present = live == nullptr ? json() : live->content("m.room.power_levels");
  json users = json::object();
  // Who has less cannot give himself more.
  json own = present.is_null() ? kCreator : kAdministrator;
  for (const auto& [user, level] : at_path(present, "users").items()) {
    if (!level.is_number_integer()) continue;
    if (user == bot) own = level;
    if (level.get<int>() < kAdministrator) users[user] = level;
  }
  for (const auto& [user, level] : leaders) users[user] = level;
  if (!creators_stand_above(version)) users[bot] = own;
  content["users"] = std::move(users);
  for (const auto& [action, level] : room.power_actions) {
    (action.find('.') == std::string::npos ? content : content["events"])[action] = level;
  }
  return content;
}

json creation(const Room& room, const Directory& directory, const std::string& bot,
              const std::map<std::string, std::string>& ids) {
  json initial = json::array();
  const State state = desired_state(room, directory);
  for (const auto& [of, content] : state) {
    const auto& [type, key] = of;
    if (type == kLocator) continue;
    // Children come after their space; Synapse makes the name and the topic itself.
    if (type == "m.space.child" || type == "m.room.name" || type == "m.room.topic") continue;
    initial.push_back(
        {{"type", type}, {"state_key", with_ids(key, ids)}, {"content", with_ids(content, ids)}});
  }
  // Last: a room that has it is complete.
  initial.push_back({{"type", kLocator}, {"state_key", ""}, {"content", state.at({kLocator, ""})}});
  json kind = {{kLocator, room.key}};
  if (room.is_space) kind["type"] = "m.space";
  if (!room.federated) kind["m.federate"] = false;
  json body = {
      {"preset", "private_chat"},
      {"visibility", "private"},
      {"room_alias_name", room.key},
      {"room_version", room.version},
      {"name", room.name},
      {"creation_content", std::move(kind)},
      {"initial_state", std::move(initial)},
      {"power_level_content_override", desired_power(room, room.power_users, bot, nullptr)}};
  if (!room.topic.empty()) body["topic"] = room.topic;
  return body;
}

bool holds(const json& present, const json& wanted) {
  if (!wanted.is_object()) return present == wanted;
  if (!present.is_object()) return false;
  for (const auto& [key, value] : wanted.items()) {
    const auto found = present.find(key);
    if (found == present.end() || !holds(*found, value)) return false;
  }
  return true;
}

}  // namespace alphorn::plan
