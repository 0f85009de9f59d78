#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "directory/directory.hpp"
#include "plan/live.hpp"

namespace alphorn::plan {

/// State events by type and state key.
using State = std::map<std::pair<std::string, std::string>, json>;

/// "$room:KEY", in a value or a state key, stands for the id of a room that may not exist yet.
std::string room_placeholder(const std::string& key);
bool is_placeholder(const std::string& text);
/// The key behind a placeholder.
std::string placeholder_key(const std::string& text);

/// The same with every placeholder that `ids` (key to room id) knows replaced.
json with_ids(const json& content, const std::map<std::string, std::string>& ids);
std::string with_ids(const std::string& state_key, const std::map<std::string, std::string>& ids);

/// The state that a room is to have, but for its power levels, its alias and what only creation
/// sets. Sources: Matrix specification v1.19, client-server API, modules room state and spaces.
State desired_state(const directory::Room& room, const directory::Directory& directory);

/// The levels that the document gives to people who are `here` (user ids); where no administrator
/// is, the first deputy who is here becomes one.
std::map<std::string, int> leaders_of(const directory::Room& room,
                                      const std::set<std::string>& here);

/// m.room.power_levels from the document and from what there is (null: a room that is to be made):
/// who was given a level below 100 by hand keeps it, who is not in charge does not keep 100. Levels
/// of actions are the document's, those of events that it does not know are left alone. In rooms of
/// version 12 and later the creator has power without being named, and must not be; before, it has
/// more than an administrator, or it could not remove one.
///
/// `leaders` are those of leaders_of().
json desired_power(const directory::Room& room, const std::map<std::string, int>& leaders,
                   const std::string& bot, const LiveRoom* live);

/// Body of POST /createRoom: encrypted, locked down and findable from its first event on. Its
/// power_users are leaders_of() it.
json creation(const directory::Room& room, const directory::Directory& directory,
              const std::string& bot, const std::map<std::string, std::string>& ids);

/// Whether `present` has every field of `wanted` with the same value.
bool holds(const json& present, const json& wanted);

}  // namespace alphorn::plan
