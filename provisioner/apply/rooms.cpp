#include "apply/rooms.hpp"

#include <chrono>
#include <thread>

#include "apply/lanes.hpp"
#include "base/encoding.hpp"
#include "plan/ledger.hpp"
#include "plan/room_state.hpp"

namespace alphorn::apply {
namespace {

using directory::Room;
using plan::Step;
using plan::Steps;

constexpr std::chrono::seconds kUntilMade{10};
constexpr std::chrono::milliseconds kBetweenLooks{200};
constexpr int kForbidden = 403;

std::string room_target(const std::string& room_id) {
  return "/_matrix/client/v3/rooms/" + percent_encode(room_id);
}

std::string state_target(const std::string& room_id, const std::string& type,
                         const std::string& key) {
  return room_target(room_id) + "/state/" + percent_encode(type) + "/" + percent_encode(key);
}

/// How deep each room lies: 0 for those at the top. A parent stands before its children.
std::map<std::string, std::size_t> depths(const directory::Directory& directory) {
  std::map<std::string, std::size_t> depth;
  for (const Room& room : directory.rooms) {
    depth[room.key] = room.parent.empty() ? 0 : depth.at(room.parent) + 1;
  }
  return depth;
}

const std::string& room_of(const Step& step) {
  static const std::string none;
  return std::visit(
      [](const auto& one) -> const std::string& {
        if constexpr (requires {
                        one.user_id;
                        one.room;
                      }) {
          return one.room;
        } else if constexpr (requires { one.state_key; }) {
          return one.room;
        } else {
          return none;
        }
      },
      step);
}

/// A lane for each room, its steps in the plan's order.
template <typename Act>
std::vector<Lane> room_lanes(const Steps& steps, const Act& act) {
  std::map<std::string, Lane> by_room;
  for (const Step& step : steps) {
    by_room[room_of(step)].push_back([&step, act] { act(step); });
  }
  std::vector<Lane> lanes;
  for (auto& [room, lane] : by_room) lanes.push_back(std::move(lane));
  return lanes;
}

/// Who has joined meanwhile is where the plan wants them. Synapse says so in words alone.
template <typename Send>
void unless_there(const Send& send) {
  try {
    send();
  } catch (const matrix::ApiError& error) {
    if (error.status() != kForbidden ||
        std::string_view(error.what()).find("already in the room") == std::string_view::npos) {
      throw;
    }
  }
}

}  // namespace

Rooms::Rooms(const Context& context, const directory::Directory& directory, const plan::Live& live)
    : context_(context),
      directory_(directory),
      live_(live),
      ledger_room_(live.ledger_room),
      ledger_(live.ledger_parts) {
  ids_.with([&](Ids& ids) {
    for (const auto& [key, room] : live.rooms) ids[key] = room.room_id;
  });
}

void Rooms::create(const Steps& steps) {
  const auto depth = depths(directory_);
  std::map<std::size_t, std::vector<Lane>> levels;
  for (const Step& step : steps) {
    const Room& room = std::get<plan::CreateRoom>(step).room;
    levels[depth.at(room.key)].push_back({[this, &step, &room] { create_one(step, room); }});
  }
  for (auto& [level, lanes] : levels) run(std::move(lanes), context_.threads);
}

void Rooms::create_one(const Step& step, const Room& room) {
  const Ids ids = ids_.with([](const Ids& known) { return known; });
  if (!room.parent.empty() && !ids.contains(room.parent)) {
    context_.progress.failed(step, "its space " + room.parent + " was not made");
    return;
  }
  attempt(context_, room.is_space ? "createSpace" : "createRoom", step, [&] {
    const std::string id = create_or_find(room, ids);
    ids_.with([&](Ids& known) { known[room.key] = id; });
  });
}

std::string Rooms::create_or_find(const Room& room, const Ids& ids) {
  const json body = plan::creation(room, directory_, live_.bot, ids);
  const auto create = [&] {
    return string_at(context_.server.post("/_matrix/client/v3/createRoom", body, context_.stop),
                     "room_id");
  };
  try {
    return create();
  } catch (const matrix::ApiError& error) {
    if (error.errcode() != "M_ROOM_IN_USE") throw;
  }
  const std::string found = adopt(room, ids);
  return found.empty() ? create() : found;
}

/// The alias is taken: by a room of this directory's whose creation was asked for by a process that
/// is gone, or whose answer was lost. The server may be making it still; it takes the alias first
/// and sends the events then. A server that died meanwhile has left a part of it, or the alias
/// alone, which is given up: "" is returned then. A room that somebody else has made is not taken.
std::string Rooms::adopt(const Room& room, const Ids& ids) {
  const std::string alias = "#" + room.key + ":" + directory_.server_name;
  const std::string target = "/_matrix/client/v3/directory/room/" + percent_encode(alias);
  const json found = context_.server.get(target, context_.stop);
  const std::string id = string_at(found, "room_id");
  const auto deadline = std::chrono::steady_clock::now() + kUntilMade;
  json created;
  while (std::chrono::steady_clock::now() < deadline) {
    created = state_of(id, "m.room.create", "?format=event");
    if (is_own(created, room.key) && !state_of(id, plan::kLocator).is_null()) return id;
    std::this_thread::sleep_for(kBetweenLooks);
  }
  if (is_own(created, room.key)) {
    repair(id, room, ids, at_path(created, "content"));
    return id;
  }
  const json here = json::array({directory_.server_name});
  if (exists(id) || at_path(found, "servers") != here) {
    throw matrix::ApiError(kForbidden, "M_ROOM_IN_USE",
                           alias +
                               " belongs to a room that is not the directory's; give the alias "
                               "up there, or the room another key here");
  }
  context_.server.remove(target, context_.stop);
  return "";
}

bool Rooms::is_own(const json& created, const std::string& key) const {
  return string_at(created, "sender") == live_.bot &&
         at_path(at_path(created, "content"), plan::kLocator) == key;
}

/// Null while there is none, or no room, or the account is not in it yet.
json Rooms::state_of(const std::string& room_id, const std::string& type,
                     const std::string& query) const {
  try {
    return context_.server.find(state_target(room_id, type, "") + query, context_.stop)
        .value_or(nullptr);
  } catch (const matrix::ApiError& error) {
    if (error.status() != kForbidden) throw;
    return nullptr;
  }
}

bool Rooms::exists(const std::string& room_id) const {
  const std::string target = "/_synapse/admin/v1/rooms/" + percent_encode(room_id);
  return context_.server.find(target, context_.stop).has_value();
}

void Rooms::repair(const std::string& room_id, const Room& room, const Ids& ids,
                   const json& created) {
  // Of the version that it has: the document may say another by now.
  const plan::LiveRoom bare{
      .room_id = room_id,
      .state = {{{"m.room.create", ""}, created},
                {{"m.room.power_levels", ""}, state_of(room_id, "m.room.power_levels")}}};
  put_state(room_id, "m.room.power_levels", "",
            plan::desired_power(room, room.power_users, live_.bot, &bare));
  const plan::State state = plan::desired_state(room, directory_);
  for (const auto& [of, content] : state) {
    if (of.first == "m.space.child" || of.first == plan::kLocator) continue;
    put_state(room_id, of.first, plan::with_ids(of.second, ids), plan::with_ids(content, ids));
  }
  put_state(room_id, plan::kLocator, "", state.at({plan::kLocator, ""}));
}

void Rooms::put_state(const std::string& room_id, const std::string& type, const std::string& key,
                      const json& content) {
  context_.server.put(state_target(room_id, type, key), content, context_.stop);
}

void Rooms::set_state(const Steps& steps) {
  const Ids ids = ids_.with([](const Ids& known) { return known; });
  Locked<std::set<std::string>> incomplete;
  run(room_lanes(steps,
                 [&](const Step& step) {
                   const auto& set = std::get<plan::SetState>(step);
                   if (set_one(step, set, ids, incomplete)) return;
                   incomplete.with([&](auto& rooms) { rooms.insert(set.room); });
                 }),
      context_.threads);
}

bool Rooms::set_one(const Step& step, const plan::SetState& set, const Ids& ids,
                    const Locked<std::set<std::string>>& incomplete) {
  const std::string key = plan::with_ids(set.state_key, ids);
  if (!ids.contains(set.room) || plan::is_placeholder(key)) {
    context_.progress.failed(step, "a room of it was not made");
    return false;
  }
  // The mark says what was taken back; where that failed the next run must know of it.
  const bool is_mark = set.type == plan::kLocator;
  if (is_mark && incomplete.with([&](const auto& rooms) { return rooms.contains(set.room); })) {
    context_.progress.failed(step, "what stands before it could not be set");
    return false;
  }
  return attempt(context_, "setState", step, [&] {
    put_state(ids.at(set.room), set.type, key, plan::with_ids(set.content, ids));
  });
}

void Rooms::members(const Steps& steps) {
  run(room_lanes(steps, [this](const Step& step) { member(step); }), context_.threads);
}

void Rooms::member(const Step& step) {
  const auto& key = room_of(step);
  const std::string id =
      ids_.with([&](const Ids& ids) { return ids.contains(key) ? ids.at(key) : ""; });
  if (id.empty()) {
    context_.progress.failed(step, "the room was not made");
    return;
  }
  if (const auto* join = std::get_if<plan::Join>(&step)) {
    attempt(context_, "join", step, [&] {
      unless_there([&] {
        context_.server.post("/_synapse/admin/v1/join/" + percent_encode(id),
                             {{"user_id", join->user_id}}, context_.stop);
      });
    });
  } else if (const auto* invite = std::get_if<plan::Invite>(&step)) {
    attempt(context_, "invite", step, [&] {
      unless_there([&] {
        context_.server.post(room_target(id) + "/invite", {{"user_id", invite->user_id}},
                             context_.stop);
      });
    });
  } else if (const auto* kick = std::get_if<plan::Kick>(&step)) {
    attempt(context_, "remove", step, [&] {
      context_.server.post(room_target(id) + "/kick",
                           {{"user_id", kick->user_id},
                            {"reason", "The company's directory does not have you here"}},
                           context_.stop);
    });
  }
}

const std::string& Rooms::ledger_room() {
  if (!ledger_room_.empty()) return ledger_room_;
  ledger_room_ =
      create_or_find({.key = kLedgerKey,
                      .name = "Directory",
                      .topic = "What Alphorn remembers of the people in its charge. For programs.",
                      .encrypted = false,
                      .version = "12",
                      .history = directory::History::joined,
                      .federated = false},
                     {});
  return ledger_room_;
}

// One event after the other: side by side they would fork the room.

void Rooms::write_part(const std::string& part, const json& people) {
  put_state(ledger_room(), plan::kLedger, part, people);
  ledger_[part] = people;
}

void Rooms::write_newcomers(const plan::Plan& plan) {
  for (const auto& [part, people] : newcomers(plan, live_)) write_part(part, people);
}

void Rooms::write_ledger(const std::map<std::string, plan::Charge>& ledger) {
  for (const auto& [part, people] : plan::ledger_changes(ledger_, ledger)) {
    write_part(part, people);
  }
}

void Rooms::write_owner() {
  if (directory_.name.empty() || directory_.name == live_.document) return;
  put_state(ledger_room(), plan::kOwner, "", {{"document", directory_.name}});
}

}  // namespace alphorn::apply
