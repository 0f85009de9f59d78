#include "directory/read.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <regex>
#include <stdexcept>

#include "base/file.hpp"
#include "base/ulid.hpp"
#include "directory/fields.hpp"
#include "directory/people.hpp"
#include "directory/rooms.hpp"
#include "directory/text.hpp"

namespace alphorn::directory {
namespace {

constexpr std::size_t kLargestDocument = 16UL * 1024 * 1024;
constexpr int kHighestPercent = 100;

std::string read_server_name(Fields& spec) {
  static const std::regex host{R"([a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?)"};
  std::string name = spec.required_text("serverName");
  if (!name.empty() && (!std::regex_match(name, host) || name.size() > 230)) {
    spec.problem("serverName", "\"" + name + "\" is no server name such as acme.example");
  }
  return name;
}

Leavers read_leavers(Fields fields) {
  static const Words<Leavers::Then> words{{"lock", Leavers::Then::lock},
                                          {"deactivate", Leavers::Then::deactivate},
                                          {"erase", Leavers::Then::erase}};
  Leavers leavers;
  leavers.then = fields.choice("then", words, leavers.then);
  leavers.cool_down_s = fields.duration_s("coolDown").value_or(leavers.cool_down_s);
  leavers.max_percent =
      static_cast<int>(fields.integer("maxPercent", leavers.max_percent, 1, kHighestPercent));
  fields.end();
  return leavers;
}

void check_address(Fields& fields, const std::string& url) {
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://")) {
    fields.problem("url", "\"" + url + "\" is no http:// or https:// address");
  }
}

AuthenticationService read_authentication_service(Fields fields) {
  AuthenticationService service{.url = fields.required_text("url"),
                                .client_id = fields.text("clientId"),
                                .client_secret_file = fields.text("clientSecretFile")};
  check_address(fields, service.url);
  if (!service.client_id.empty() && !is_ulid(service.client_id)) {
    fields.problem(
        "clientId",
        "\"" + service.client_id +
            "\" is no ULID, as clients of the service's configuration have; leave it out "
            "for the operator's");
  }
  fields.end();
  return service;
}

Homeserver read_homeserver(Fields fields) {
  Homeserver homeserver{.url = fields.text("url"),
                        .account = fields.text("account"),
                        .password_file = fields.text("passwordFile"),
                        .recipients = fields.texts("recipients"),
                        .company = fields.text("company"),
                        .web_url = fields.text("webUrl"),
                        .authentication_service = {}};
  check_address(fields, homeserver.url);
  if (fields.has("authenticationService")) {
    homeserver.authentication_service =
        read_authentication_service(fields.object("authenticationService"));
  }
  fields.end();
  return homeserver;
}

/// Guests with accounts of this server, and user ids of other servers.
struct Guests {
  std::vector<Entry> local;
  std::set<std::string> outsiders;
};

Guests read_guests(Fields& spec, const std::string& server_name) {
  static const std::regex id{R"(@[^:\s]+:[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?)"};
  Guests guests;
  std::size_t index = 0;
  spec.each("guests", [&](Fields& fields) {
    const std::string field = "spec.guests[" + std::to_string(index++) + "]";
    if (!fields.has("matrixId")) {
      guests.local.push_back(read_entry(fields, "{firstName}.{lastName}", server_name));
      guests.local.back().person.is_guest = true;
      guests.local.back().field = field;
      fields.text("matrixId");
      if (fields.has("admin") || fields.has("groups")) {
        fields.problem(
            fields.has("admin") ? "admin" : "groups",
            "a guest has none; guests are named by the spaces that are reserved for them");
      }
      return;
    }
    const std::string user = fields.text("matrixId");
    if (fields.has("localpart")) {
      fields.problem("localpart",
                     "the guest has an account elsewhere (matrixId); give one of both");
    }
    for (const char* known : {"localpart", "displayName", "email", "language"}) fields.text(known);
    if (!std::regex_match(user, id)) {
      fields.problem("matrixId",
                     "\"" + user + "\" is no Matrix id such as @carla:supplier.example");
    } else if (user.ends_with(":" + server_name)) {
      fields.problem("matrixId", user + " is of this server; give a localpart instead");
    } else if (!guests.outsiders.insert(user).second) {
      fields.problem("matrixId", user + " is a guest already; leave one of both out");
    }
  });
  return guests;
}

/// The document's name.
std::string read_head(Fields& root) {
  if (const std::string kind = root.required_text("kind");
      !kind.empty() && kind != "CompanyDirectory") {
    root.problem("kind", "\"" + kind + "\" is not CompanyDirectory");
  }
  const std::string version = root.required_text("apiVersion");
  if (!version.empty() && version != "alphorn.dev/v1alpha1") {
    root.problem("apiVersion", "\"" + version + "\" is not alphorn.dev/v1alpha1");
  }
  root.object("status");
  return root.object("metadata").text("name");
}

void read_spec(Fields& spec, const Load& load, Directory& directory) {
  directory.server_name = read_server_name(spec);
  directory.homeserver = read_homeserver(spec.object("homeserver"));
  // The operator's own: when it runs this, and where.
  for (const char* known : {"schedule", "timeZone"}) spec.text(known);
  for (const char* known : {"homeserverRef", "documentFrom"}) spec.object(known);
  spec.boolean("suspend", false);
  spec.integer("allowLeavers", 0, 0, std::numeric_limits<int>::max());
  Fields authentication = spec.object("authentication");
  directory.passwords = authentication.boolean("passwords", true);
  directory.identity_provider = authentication.text("identityProvider");
  authentication.end();
  Fields employees = spec.object("employees");
  std::vector<Entry> people = read_employees(employees, directory.server_name, load);
  employees.end();
  const Guests guests = read_guests(spec, directory.server_name);
  std::vector<Entry> accounts = people;
  accounts.insert(accounts.end(), guests.local.begin(), guests.local.end());
  find_duplicates(accounts, spec.document());
  for (const Entry& entry : accounts) {
    if (!entry.person.external_id.empty() && directory.identity_provider.empty()) {
      spec.document().problems.push_back(
          {entry.person.place, entry.field,
           "an external id needs spec.authentication.identityProvider, whose id it is"});
      break;
    }
  }
  // Who could not be read would be unknown wherever the rest names them.
  if (!spec.document().problems.empty()) return;
  directory.federated_guests = guests.outsiders;
  const Names names{spec, people, guests.local, guests.outsiders};
  directory.rooms = read_rooms(spec, names, directory.server_name);
  directory.leavers = read_leavers(spec.object("leavers"));
  spec.end();
  for (Entry& entry : accounts) directory.people.push_back(std::move(entry.person));
}

}  // namespace

Reading read(const std::string& file, std::string_view text, const Load& load) {
  Reading reading;
  if (text.size() > kLargestDocument) {
    reading.problems.push_back({{.file = file}, "", "the document has more than 16 MiB"});
    return reading;
  }
  if (!is_utf8(text)) {
    reading.problems.push_back({{.file = file}, "", "the document is not UTF-8; save it as such"});
    return reading;
  }
  Document document{file, text};
  if (document.problems.empty()) {
    Fields root{document, document.root(), ""};
    reading.directory.name = read_head(root);
    if (!root.has("spec")) root.problem("", "spec is missing");
    Fields spec = root.object("spec");
    if (root.has("spec")) read_spec(spec, load, reading.directory);
    root.end();
  }
  reading.problems = std::move(document.problems);
  std::stable_sort(reading.problems.begin(), reading.problems.end(),
                   [](const Problem& one, const Problem& other) {
                     return std::tie(one.place.file, one.place.line) <
                            std::tie(other.place.file, other.place.line);
                   });
  return reading;
}

Reading read_file(const std::string& path) {
  const std::optional<std::string> text = content_of_file(path);
  if (!text) throw std::runtime_error(path + " cannot be read");
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return read(path, *text, [&](const std::string& name) { return content_of_file(folder / name); });
}

}  // namespace alphorn::directory
