#pragma once

#include <map>
#include <set>
#include <string>

#include "apply/context.hpp"
#include "base/locked.hpp"

namespace alphorn::apply {

/// The rooms' half of a run. It knows every managed room's id, of those it makes as well.
class Rooms {
 public:
  Rooms(const Context& context, const directory::Directory& directory, const plan::Live& live);

  /// Spaces before what is in them, for a restricted room names its space's id; of one depth many
  /// at a time. A room whose alias is taken is looked up: a killed run may have made it.
  void create(const plan::Steps& steps);
  /// Room by room, for one room takes one event at a time.
  void set_state(const plan::Steps& steps);
  void members(const plan::Steps& steps);

  /// Each writes what differs from what was written last into the ledger's room, which is made when
  /// there is none. One at a time, but beside what is above.
  void write_newcomers(const plan::Plan& plan);
  void write_ledger(const std::map<std::string, plan::Charge>& ledger);
  /// Writes there whose directory it is.
  void write_owner();

 private:
  using Ids = std::map<std::string, std::string>;

  void create_one(const plan::Step& step, const directory::Room& room);
  std::string create_or_find(const directory::Room& room, const Ids& ids);
  std::string adopt(const directory::Room& room, const Ids& ids);
  bool is_own(const json& created, const std::string& key) const;
  void repair(const std::string& room_id, const directory::Room& room, const Ids& ids,
              const json& created);
  json state_of(const std::string& room_id, const std::string& type,
                const std::string& query = "") const;
  bool exists(const std::string& room_id) const;
  void put_state(const std::string& room_id, const std::string& type, const std::string& key,
                 const json& content);
  bool set_one(const plan::Step& step, const plan::SetState& set, const Ids& ids,
               const Locked<std::set<std::string>>& incomplete);
  void member(const plan::Step& step);
  const std::string& ledger_room();
  void write_part(const std::string& part, const json& people);

  const Context& context_;
  const directory::Directory& directory_;
  const plan::Live& live_;
  Locked<Ids> ids_;
  std::string ledger_room_;
  std::map<std::string, json> ledger_;  ///< its parts as they are on the server
};

}  // namespace alphorn::apply
