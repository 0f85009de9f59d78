#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "directory/fields.hpp"
#include "directory/people.hpp"

namespace alphorn::directory {

/// What may be named where people are listed: groups and single people, as user ids.
class Names {
 public:
  /// Groups of spec.groups over these people; "everyone" is all employees.
  Names(Fields& spec, const std::vector<Entry>& employees, const std::vector<Entry>& guests,
        const std::set<std::string>& outsiders);

  /// User ids behind a list of groups, localparts, e-mail addresses and user ids; an unknown one is
  /// a problem of `field`.
  std::set<std::string> resolve(Fields& fields, const std::string& field) const;
  /// The same of single people, in their order.
  std::vector<std::string> people(Fields& fields, const std::string& field) const;

  const std::set<std::string>& everyone() const { return groups_.at("everyone"); }
  bool is_employee(const std::string& user_id) const { return everyone().contains(user_id); }

 private:
  void read_group(Fields& fields, const std::vector<Entry>& employees);
  std::string person(const std::string& name) const;
  std::vector<std::string> known() const;

  std::map<std::string, std::set<std::string>> groups_;
  std::map<std::string, std::string> people_;  ///< by localpart, e-mail address and user id
};

/// spec.spaces and spec.rooms, with what is in them, parents before their children.
std::vector<Room> read_rooms(Fields& spec, const Names& names, const std::string& server_name);

}  // namespace alphorn::directory
