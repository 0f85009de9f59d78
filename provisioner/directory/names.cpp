#include <algorithm>

#include "base/encoding.hpp"
#include "directory/rooms.hpp"
#include "directory/text.hpp"

namespace alphorn::directory {
namespace {

constexpr const char* kEveryone = "everyone";

/// Whether a person has one of the values of every attribute; letter case aside.
bool matches(const Entry& entry, const std::map<std::string, std::vector<std::string>>& rule) {
  return std::all_of(rule.begin(), rule.end(), [&](const auto& wanted) {
    const auto found = entry.attributes.find(attribute_name(wanted.first));
    return found != entry.attributes.end() &&
           std::any_of(wanted.second.begin(), wanted.second.end(), [&](const std::string& value) {
             return lower_case(value) == lower_case(found->second);
           });
  });
}

}  // namespace

Names::Names(Fields& spec, const std::vector<Entry>& employees, const std::vector<Entry>& guests,
             const std::set<std::string>& outsiders) {
  groups_[kEveryone];
  for (const auto* list : {&employees, &guests}) {
    for (const Entry& entry : *list) {
      const std::string& id = entry.person.user_id;
      if (list == &employees) groups_[kEveryone].insert(id);
      people_[id] = id;
      people_[entry.localpart] = id;
      people_["@" + entry.localpart] = id;
      if (!entry.person.email.empty()) people_[lower_case(entry.person.email)] = id;
    }
  }
  for (const std::string& outsider : outsiders) people_[lower_case(outsider)] = outsider;
  spec.each("groups", [&](Fields& group) { read_group(group, employees); });
  // Groups that only a person's own line names: they need no rule.
  for (const Entry& entry : employees) {
    for (const std::string& group : entry.groups) groups_[group].insert(entry.person.user_id);
  }
}

void Names::read_group(Fields& fields, const std::vector<Entry>& employees) {
  const std::string name = fields.required_text("name");
  const auto rule = fields.text_lists("where");
  std::set<std::string> members = resolve(fields, "members");
  for (const auto& [attribute, values] : rule) {
    const bool known = std::any_of(employees.begin(), employees.end(), [&](const Entry& entry) {
      return entry.attributes.contains(attribute_name(attribute));
    });
    if (!known && !employees.empty()) {
      fields.problem("where/" + attribute, "no table has a column \"" + attribute + "\"");
    }
  }
  if (!rule.empty()) {
    for (const Entry& entry : employees) {
      if (matches(entry, rule)) members.insert(entry.person.user_id);
    }
  }
  if (name == kEveryone) {
    fields.problem("name", "\"everyone\" is all employees already; choose another name");
  } else if (!name.empty() && !groups_.emplace(name, std::move(members)).second) {
    fields.problem("name", "there is a group \"" + name + "\" already; choose another name");
  }
}

std::string Names::person(const std::string& name) const {
  const auto found = people_.find(lower_case(name));
  return found == people_.end() ? "" : found->second;
}

std::vector<std::string> Names::known() const {
  std::vector<std::string> all;
  for (const auto& [name, members] : groups_) all.push_back(name);
  for (const auto& [name, id] : people_) all.push_back(name);
  return all;
}

std::set<std::string> Names::resolve(Fields& fields, const std::string& field) const {
  std::set<std::string> users;
  for (const std::string& name : fields.texts(field)) {
    if (const auto group = groups_.find(name); group != groups_.end()) {
      users.insert(group->second.begin(), group->second.end());
    } else if (const std::string user = person(name); !user.empty()) {
      users.insert(user);
    } else {
      fields.problem(field, "\"" + name + "\" is neither a group nor a person of this document" +
                                did_you_mean(name, known()));
    }
  }
  return users;
}

std::vector<std::string> Names::people(Fields& fields, const std::string& field) const {
  std::vector<std::string> users;
  for (const std::string& name : fields.texts(field)) {
    if (std::string user = person(name); !user.empty()) {
      users.push_back(std::move(user));
    } else if (groups_.contains(name)) {
      fields.problem(
          field, "\"" + name + "\" is a group; name single people, who come one after the other");
    } else {
      fields.problem(
          field, "\"" + name + "\" is no person of this document" + did_you_mean(name, known()));
    }
  }
  return users;
}

}  // namespace alphorn::directory
