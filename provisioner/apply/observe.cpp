#include "apply/observe.hpp"

#include <algorithm>
#include <vector>

#include "apply/lanes.hpp"
#include "base/encoding.hpp"
#include "base/secret.hpp"
#include "plan/ledger.hpp"

namespace alphorn::apply {
namespace {

using plan::Live;
using plan::LiveRoom;

constexpr int kReaders = 4;
constexpr std::size_t kNonceLength = 12;

/// State of all rooms the account is in, memberships and messages left out, in one request: an
/// initial sync (client-server API v1.19, GET /sync and its filter).
json read_state(Server& server, const std::stop_token& stop) {
  // Synapse keeps the answer to an initial sync for two minutes, by its parameters: a type that
  // nobody has makes this one like no other.
  const std::string fresh = "dev.alphorn.none." + random_token(kNonceLength).reveal();
  const json none = {{"types", json::array()}};
  const json filter = {{"presence", none},
                       {"account_data", none},
                       {"room",
                        {{"account_data", none},
                         {"ephemeral", none},
                         {"timeline", none},
                         {"state", {{"not_types", json::array({"m.room.member", fresh})}}}}}};
  return server.get("/_matrix/client/v3/sync?timeout=0&set_presence=offline&filter=" +
                        percent_encode(filter.dump()),
                    stop);
}

/// A room is the directory's when its creator was the account and said so in creating it. One that
/// is not complete yet is left to whoever makes it, or finds it half made.
void read_room(const std::string& room_id, const json& events, Live& live) {
  LiveRoom room{.room_id = room_id};
  std::string creator;
  for (const json& event : events) {
    const std::string type = string_at(event, "type");
    const std::string key = string_at(event, "state_key");
    if (type == "m.room.create") creator = string_at(event, "sender");
    room.state[{type, key}] = at_path(event, "content");
  }
  const json& key = at_path(room.content("m.room.create"), plan::kLocator);
  if (creator != live.bot || !key.is_string() || room.content(plan::kLocator).is_null()) return;
  const std::string& name = key.get_ref<const std::string&>();
  const bool is_ledger = name == kLedgerKey;
  std::string& known = is_ledger ? live.ledger_room : live.rooms[name].room_id;
  if (!known.empty()) {
    throw std::runtime_error("the rooms " + known + " and " + room_id + " were both made for \"" +
                             name + "\"; leave one of them with " + live.bot + ", then try again");
  }
  known = room_id;
  if (!is_ledger) live.rooms[name] = std::move(room);
}

/// From the room's resolved state: where two events were sent at once, a sync shows what one of
/// them left, and who is missing here would not be known for a leaver.
void read_ledger(Server& server, Live& live, const std::stop_token& stop) {
  if (live.ledger_room.empty()) return;
  const json answer =
      server.get("/_synapse/admin/v1/rooms/" + percent_encode(live.ledger_room) + "/state", stop);
  // Whom this names can lose the account: it counts only when nobody else can have written it.
  const auto distrust = [&](const std::string& user, const std::string& did) {
    return std::runtime_error(user + did + " the directory's own room " + live.ledger_room +
                              ", which is " + live.bot +
                              "'s alone; find out why, and mend it, before anything else is done");
  };
  for (const json& event : at_path(answer, "state")) {
    const std::string type = string_at(event, "type");
    const json& content = at_path(event, "content");
    const std::string key = string_at(event, "state_key");
    if (type == "m.room.member" && key != live.bot && string_at(content, "membership") == "join") {
      throw distrust(key, " is in");
    }
    if (type != plan::kLedger && type != plan::kOwner) continue;
    if (const std::string sender = string_at(event, "sender"); sender != live.bot) {
      throw distrust(sender, " has written into");
    }
    if (type == plan::kOwner) live.document = string_at(content, "document");
    if (type == plan::kLedger) live.ledger_parts[key] = content;
  }
  live.ledger = plan::ledger_of(live.ledger_parts);
}

void read_members(Server& server, LiveRoom& room, bool with_invited, const std::stop_token& stop) {
  const std::string id = percent_encode(room.room_id);
  const json joined = server.get("/_synapse/admin/v1/rooms/" + id + "/members", stop);
  for (const json& user : at_path(joined, "members")) room.joined.insert(user.get<std::string>());
  if (!with_invited) return;
  const json invited =
      server.get("/_matrix/client/v3/rooms/" + id + "/members?membership=invite", stop);
  for (const json& event : at_path(invited, "chunk")) {
    room.invited.insert(string_at(event, "state_key"));
  }
}

}  // namespace

Live observe(Server& server, AccountKeeper& accounts, const directory::Directory& directory,
             std::stop_token stop) {
  Live live;
  live.bot = string_at(server.api().get("/_matrix/client/v3/account/whoami", stop), "user_id");
  if (!live.bot.ends_with(":" + directory.server_name)) {
    throw std::runtime_error("spec.serverName is " + directory.server_name +
                             ", and the server at that address has " + live.bot +
                             "; give the address of the right one with --homeserver or "
                             "spec.homeserver.url");
  }
  try {
    live.accounts = accounts.accounts(directory.server_name, stop);
  } catch (const matrix::ApiError& error) {
    if (error.status() != 403) throw;
    throw std::runtime_error(live.bot + " is no administrator of the server: " + error.what());
  }
  const json state = read_state(server, stop);
  for (const auto& [id, room] : at_path(state, "rooms/join").items()) {
    read_room(id, at_path(room, "state/events"), live);
  }
  read_ledger(server, live, stop);
  // Who is invited is asked for when there is somebody of another server.
  const bool outsiders =
      !directory.federated_guests.empty() ||
      std::any_of(live.ledger.begin(), live.ledger.end(), [&](const auto& entry) {
        return !entry.first.ends_with(":" + directory.server_name);
      });
  std::vector<Lane> lanes;
  for (auto& [key, room] : live.rooms) {
    lanes.push_back(
        {[&server, &room, outsiders, stop] { read_members(server, room, outsiders, stop); }});
  }
  run(std::move(lanes), kReaders);
  return live;
}

}  // namespace alphorn::apply
