#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "directory/fields.hpp"
#include "directory/read.hpp"

namespace alphorn::directory {

/// An employee or a guest before the whole is resolved.
struct Entry {
  Person person;
  std::string localpart;
  std::set<std::string> groups;
  /// What group rules may ask for, by attribute_name().
  std::map<std::string, std::string> attributes;
  std::string field;  ///< for problems: "spec.employees.people[3]", or "" in a table
};

/// What a table's column is called where rules ask for it: "department" for "Abteilung" and for
/// "Department"; a column that has no meaning of its own by its title in lower case.
std::string attribute_name(const std::string& title);

/// Whether it may be the part before the colon of a user id; what is wrong with it, or "".
std::string localpart_problem(const std::string& localpart, const std::string& server_name);

/// Who stands twice in a document would be one account for two people: a problem each.
void find_duplicates(const std::vector<Entry>& entries, Document& document);

/// Employees of spec.employees: from tables, then inline.
std::vector<Entry> read_employees(Fields& employees, const std::string& server_name,
                                  const Load& load);

/// name, e-mail, language and what else an inline entry has.
Entry read_entry(Fields& fields, const std::string& rule, const std::string& server_name);

}  // namespace alphorn::directory
