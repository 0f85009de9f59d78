#include "directory/people.hpp"

#include <algorithm>
#include <regex>

#include "base/encoding.hpp"
#include "directory/csv.hpp"
#include "directory/text.hpp"

namespace alphorn::directory {
namespace {

constexpr std::size_t kLongestUserId = 255;
constexpr std::size_t kLongestName = 256;
constexpr std::string_view kLocalpartLetters = "abcdefghijklmnopqrstuvwxyz0123456789._=-/+";
const std::vector<std::string> kLanguages{"en", "fr", "de", "it"};

/// What a header may be called, in plain Latin, and what it stands for.
const std::map<std::string, std::string>& header_names() {
  static const std::map<std::string, std::string> names{{"localpart", "localpart"},
                                                        {"username", "localpart"},
                                                        {"user name", "localpart"},
                                                        {"user", "localpart"},
                                                        {"login", "localpart"},
                                                        {"benutzername", "localpart"},
                                                        {"benutzer", "localpart"},
                                                        {"anmeldename", "localpart"},
                                                        {"identifiant", "localpart"},
                                                        {"nom d'utilisateur", "localpart"},
                                                        {"utilisateur", "localpart"},
                                                        {"nome utente", "localpart"},
                                                        {"utente", "localpart"},
                                                        {"first name", "firstName"},
                                                        {"firstname", "firstName"},
                                                        {"given name", "firstName"},
                                                        {"vorname", "firstName"},
                                                        {"prenom", "firstName"},
                                                        {"nome", "firstName"},
                                                        {"last name", "lastName"},
                                                        {"lastname", "lastName"},
                                                        {"surname", "lastName"},
                                                        {"family name", "lastName"},
                                                        {"nachname", "lastName"},
                                                        {"familienname", "lastName"},
                                                        {"nom", "lastName"},
                                                        {"nom de famille", "lastName"},
                                                        {"cognome", "lastName"},
                                                        {"display name", "displayName"},
                                                        {"displayname", "displayName"},
                                                        {"name", "displayName"},
                                                        {"full name", "displayName"},
                                                        {"anzeigename", "displayName"},
                                                        {"nom affiche", "displayName"},
                                                        {"nom complet", "displayName"},
                                                        {"nome visualizzato", "displayName"},
                                                        {"email", "email"},
                                                        {"e-mail", "email"},
                                                        {"mail", "email"},
                                                        {"email address", "email"},
                                                        {"e-mail-adresse", "email"},
                                                        {"adresse e-mail", "email"},
                                                        {"courriel", "email"},
                                                        {"groups", "groups"},
                                                        {"group", "groups"},
                                                        {"gruppen", "groups"},
                                                        {"gruppe", "groups"},
                                                        {"groupes", "groups"},
                                                        {"groupe", "groups"},
                                                        {"gruppi", "groups"},
                                                        {"gruppo", "groups"},
                                                        {"department", "department"},
                                                        {"abteilung", "department"},
                                                        {"departement", "department"},
                                                        {"service", "department"},
                                                        {"reparto", "department"},
                                                        {"dipartimento", "department"},
                                                        {"admin", "admin"},
                                                        {"administrator", "admin"},
                                                        {"administrateur", "admin"},
                                                        {"amministratore", "admin"},
                                                        {"external id", "externalId"},
                                                        {"externalid", "externalId"},
                                                        {"externe id", "externalId"},
                                                        {"id externe", "externalId"},
                                                        {"subject", "externalId"},
                                                        {"language", "language"},
                                                        {"sprache", "language"},
                                                        {"langue", "language"},
                                                        {"lingua", "language"}};
  return names;
}

std::string filled(const std::string& rule, const std::map<std::string, std::string>& values) {
  std::string result;
  for (std::size_t at = 0; at < rule.size();) {
    const std::size_t end = rule[at] == '{' ? rule.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      result += rule[at++];
      continue;
    }
    const auto found = values.find(rule.substr(at + 1, end - at - 1));
    if (found != values.end()) result += found->second;
    at = end + 1;
  }
  std::string localpart;
  for (const char letter : plain_latin(result)) {
    if (letter == ' ') {
      localpart += '-';
    } else if (kLocalpartLetters.find(letter) != std::string_view::npos) {
      localpart += letter;
    }
  }
  return localpart;
}

std::set<std::string> split_groups(const std::string& text) {
  std::set<std::string> groups;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find_first_of(",;|", begin), text.size());
    if (std::string name = trimmed(text.substr(begin, end - begin)); !name.empty()) {
      groups.insert(std::move(name));
    }
    begin = end + 1;
  }
  return groups;
}

bool is_yes(const std::string& text) {
  static const std::set<std::string> words{"yes", "y", "true", "1", "x", "ja", "j", "oui", "si"};
  return words.contains(plain_latin(text));
}

bool is_no(const std::string& text) {
  static const std::set<std::string> words{"", "no", "n", "false", "0", "nein", "non", "-"};
  return words.contains(plain_latin(text));
}

bool is_control(char letter) { return static_cast<unsigned char>(letter) < ' ' || letter == 0x7f; }

/// What is wrong with an entry whose fields are all there: field and message.
std::vector<std::pair<std::string, std::string>> faults(const Entry& entry,
                                                        const std::string& server_name) {
  static const std::regex mail{R"([^\s@]+@[^\s@.]+(\.[^\s@.]+)+)"};
  std::vector<std::pair<std::string, std::string>> found;
  if (const std::string what = localpart_problem(entry.localpart, server_name); !what.empty()) {
    found.emplace_back("localpart", what);
  }
  const Person& person = entry.person;
  if (!person.email.empty() && !std::regex_match(person.email, mail)) {
    found.emplace_back("email", "\"" + person.email + "\" is no e-mail address");
  }
  if (std::any_of(person.display_name.begin(), person.display_name.end(), is_control)) {
    found.emplace_back("displayName", "holds a line break or another control character; remove it");
  }
  if (person.display_name.size() > kLongestName) {
    found.emplace_back("displayName", "must not have more than 256 bytes");
  }
  if (std::find(kLanguages.begin(), kLanguages.end(), person.language) == kLanguages.end()) {
    found.emplace_back("language", "\"" + person.language + "\" is none of en, fr, de, it");
  }
  return found;
}

/// Fills what follows from other fields: the localpart by rule, the name from its parts.
void complete(Entry& entry, const std::string& rule, const std::string& server_name) {
  const std::string& first = entry.attributes["firstname"];
  const std::string& last = entry.attributes["lastname"];
  if (entry.person.display_name.empty()) entry.person.display_name = trimmed(first + " " + last);
  if (entry.localpart.empty()) {
    const std::string& email = entry.person.email;
    entry.localpart = filled(rule, {{"firstName", first},
                                    {"lastName", last},
                                    {"displayName", entry.person.display_name},
                                    {"email", email.substr(0, email.find('@'))}});
    if (entry.localpart.find_first_not_of("._=-/+") == std::string::npos) entry.localpart = "";
  }
  if (entry.person.display_name.empty()) entry.person.display_name = entry.localpart;
  if (entry.person.language.empty()) entry.person.language = "en";
  entry.person.user_id = "@" + entry.localpart + ":" + server_name;
}

std::string meaning_of(const std::string& title) {
  const auto known = header_names().find(plain_latin(title));
  return known == header_names().end() ? lower_case(title) : known->second;
}

class Table {
 public:
  Table(std::string name, CsvTable table, Document& document)
      : name_(std::move(name)), table_(std::move(table)), document_(document) {}

  void read(const std::string& rule, const std::string& server_name, std::vector<Entry>& entries) {
    if (!read_header()) return;
    for (const CsvRow& row : table_.rows) {
      Entry entry = entry_of(row);
      complete(entry, rule, server_name);
      for (const auto& [field, message] : faults(entry, server_name)) {
        problem(row.line, column_of(field), message);
      }
      entries.push_back(std::move(entry));
    }
  }

 private:
  void problem(int line, const std::string& column, const std::string& message) {
    document_.problems.push_back({{.file = name_, .line = line}, column, message});
  }

  bool read_header() {
    std::map<std::string, std::string> seen;
    for (const std::string& title : table_.header) {
      const std::string meaning = meaning_of(title);
      meanings_.push_back(meaning);
      if (meaning.empty()) continue;
      if (const auto [at, fresh] = seen.emplace(meaning, title); !fresh) {
        problem(table_.header_line, title,
                "means the same as column \"" + at->second + "\"; leave one of them out");
        return false;
      }
    }
    if (!seen.contains("localpart") && !seen.contains("email") && !seen.contains("lastName") &&
        !seen.contains("displayName")) {
      problem(table_.header_line, "",
              "no column names people; the first line must have a header such as \"user name\", "
              "\"email\" or \"last name\"");
      return false;
    }
    return true;
  }

  std::string column_of(const std::string& meaning) const {
    const auto found = std::find(meanings_.begin(), meanings_.end(), meaning);
    return found == meanings_.end()
               ? meaning
               : table_.header[static_cast<std::size_t>(found - meanings_.begin())];
  }

  Entry entry_of(const CsvRow& row) {
    Entry entry;
    entry.person.place = {.file = name_, .line = row.line};
    for (std::size_t index = 0; index < meanings_.size(); ++index) {
      const std::string& value = row.fields[index];
      const std::string& meaning = meanings_[index];
      entry.attributes[lower_case(meaning)] = value;
      if (meaning == "localpart") entry.localpart = value;
      if (meaning == "displayName") entry.person.display_name = value;
      if (meaning == "email") entry.person.email = value;
      if (meaning == "externalId") entry.person.external_id = value;
      if (meaning == "language") entry.person.language = lower_case(value).substr(0, 2);
      if (meaning == "groups") entry.groups = split_groups(value);
      if (meaning == "admin") {
        entry.person.is_server_admin = is_yes(value);
        if (!is_yes(value) && !is_no(value)) {
          problem(row.line, column_of("admin"), "\"" + value + "\" is neither yes nor no");
        }
      }
    }
    return entry;
  }

  std::string name_;
  CsvTable table_;
  Document& document_;
  std::vector<std::string> meanings_;
};

}  // namespace

std::string attribute_name(const std::string& title) { return lower_case(meaning_of(title)); }

std::string localpart_problem(const std::string& localpart, const std::string& server_name) {
  if (localpart.empty()) return "is missing and cannot be made from the person's name; give one";
  const std::string quoted = "\"" + localpart + "\"";
  if (localpart.find_first_not_of(kLocalpartLetters) != std::string::npos) {
    return quoted + " may hold only a-z, 0-9 and . _ = - / +";
  }
  if (localpart.front() == '_') return quoted + " must not begin with \"_\", which is for bridges";
  if (localpart.find_first_not_of("0123456789") == std::string::npos) {
    return quoted + " must not be a number; add a letter";
  }
  if (localpart == kOwnLocalpart || localpart.starts_with(std::string(kOwnLocalpart) + "-")) {
    return quoted + " is kept for Alphorn's own accounts; choose another";
  }
  if (localpart.size() + server_name.size() + 2 > kLongestUserId) {
    return quoted + " makes a user id of more than 255 bytes";
  }
  return "";
}

Entry read_entry(Fields& fields, const std::string& rule, const std::string& server_name) {
  Entry entry;
  const std::size_t before = fields.document().problems.size();
  entry.person.place = fields.place();
  entry.localpart = fields.text("localpart");
  entry.person.display_name = fields.text("displayName");
  entry.attributes["firstname"] = fields.text("firstName");
  entry.attributes["lastname"] = fields.text("lastName");
  entry.attributes["department"] = fields.text("department");
  entry.person.email = fields.text("email");
  entry.person.external_id = fields.text("externalId");
  entry.person.language = fields.text("language");
  entry.person.is_server_admin = fields.boolean("admin", false);
  for (std::string& group : fields.texts("groups")) entry.groups.insert(std::move(group));
  complete(entry, rule, server_name);
  // One fault, one problem: a value of a wrong kind is not looked at again.
  if (fields.is_mapping() && fields.document().problems.size() == before) {
    for (const auto& [field, message] : faults(entry, server_name)) {
      fields.problem(fields.has(field) ? field : "",
                     (fields.has(field) ? "" : field + " ") + message);
    }
  }
  return entry;
}

void find_duplicates(const std::vector<Entry>& entries, Document& document) {
  std::map<std::string, const Entry*> accounts;
  std::map<std::string, const Entry*> mails;
  std::map<std::string, const Entry*> subjects;
  const auto note = [&](std::map<std::string, const Entry*>& known, const std::string& value,
                        const Entry& entry, const std::string& what) {
    if (value.empty()) return true;
    const auto [at, fresh] = known.emplace(lower_case(value), &entry);
    if (fresh) return true;
    const Place& before = at->second->person.place;
    document.problems.push_back({entry.person.place, entry.field,
                                 what + " \"" + value + "\" has somebody else already, at " +
                                     before.file + ":" + std::to_string(before.line) +
                                     "; give one of them another"});
    return false;
  };
  for (const Entry& entry : entries) {
    if (!note(accounts, entry.localpart, entry, "the localpart")) continue;
    if (!note(mails, entry.person.email, entry, "the e-mail address")) continue;
    note(subjects, entry.person.external_id, entry, "the external id");
  }
}

std::vector<Entry> read_employees(Fields& employees, const std::string& server_name,
                                  const Load& load) {
  std::vector<Entry> entries;
  const std::string rule = employees.text("localpart", "{firstName}.{lastName}");
  const std::vector<std::string> files = employees.texts("csv");
  for (std::size_t index = 0; index < files.size(); ++index) {
    const std::optional<std::string> text = load(files[index]);
    if (!text) {
      employees.problem("csv", "\"" + files[index] + "\" is not beside the document");
      continue;
    }
    try {
      Table{files[index], read_csv(*text), employees.document()}.read(rule, server_name, entries);
    } catch (const CsvError& error) {
      employees.document().problems.push_back(
          {{.file = files[index], .line = error.line}, "", error.message});
    }
  }
  std::size_t index = 0;
  employees.each("people", [&](Fields& fields) {
    entries.push_back(read_entry(fields, rule, server_name));
    entries.back().field = "spec.employees.people[" + std::to_string(index++) + "]";
  });
  return entries;
}

}  // namespace alphorn::directory
