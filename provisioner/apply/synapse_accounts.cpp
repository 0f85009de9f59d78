#include "apply/synapse_accounts.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace alphorn::apply {
namespace {

using directory::Directory;
using directory::Person;
using plan::LiveAccount;

constexpr int kPage = 1000;

/// A list as the API wants it, which replaces what there is: what the document says of `kind`, and
/// of other kinds what is there.
json replaced(const json& present, const std::string& field, const std::string& kind, json wanted) {
  json list = json::array({std::move(wanted)});
  for (const json& entry : present) {
    if (string_at(entry, field) == kind) continue;
    json kept = {{field, entry.at(field)}};
    const char* value = entry.contains("address") ? "address" : "external_id";
    kept[value] = entry.value(value, "");
    list.push_back(std::move(kept));
  }
  return list;
}

json third_parties(const Person& person, const json& present = json::array()) {
  return replaced(present, "medium", "email", {{"medium", "email"}, {"address", person.email}});
}

json external_ids(const Person& person, const Directory& directory,
                  const json& present = json::array()) {
  const std::string& provider = directory.identity_provider;
  return replaced(present, "auth_provider", provider,
                  {{"auth_provider", provider}, {"external_id", person.external_id}});
}

json account_of(const Person& person, const Directory& directory) {
  json body = {{"displayname", person.display_name}, {"admin", person.is_server_admin}};
  if (!person.email.empty()) body["threepids"] = third_parties(person);
  if (!person.external_id.empty()) body["external_ids"] = external_ids(person, directory);
  return body;
}

bool has_all(const json& list, const json& wanted) {
  return list.size() == wanted.size() &&
         std::all_of(wanted.begin(), wanted.end(), [&](const json& entry) {
           return std::any_of(list.begin(), list.end(), [&](const json& present) {
             return std::all_of(entry.items().begin(), entry.items().end(), [&](const auto& field) {
               return present.value(field.key(), json()) == field.value();
             });
           });
         });
}

}  // namespace

std::string account_target(const std::string& user_id) {
  return "/_synapse/admin/v2/users/" + percent_encode(user_id);
}

std::map<std::string, LiveAccount> listed_accounts(Server& server, std::stop_token stop) {
  std::map<std::string, LiveAccount> accounts;
  std::string from = "0";
  while (!from.empty()) {
    // "locked": without it, locked accounts are not listed.
    const json page = server.get("/_synapse/admin/v3/users?guests=false&locked=true&limit=" +
                                     std::to_string(kPage) + "&from=" + percent_encode(from),
                                 stop);
    for (const json& user : at_path(page, "users")) {
      accounts[string_at(user, "name")] = {.display_name = string_at(user, "displayname"),
                                           .admin = user.value("admin", false),
                                           .locked = user.value("locked", false),
                                           .deactivated = user.value("deactivated", false)};
    }
    const json& next = at_path(page, "next_token");
    from = next.is_string() ? next.get<std::string>() : "";
  }
  return accounts;
}

std::map<std::string, LiveAccount> SynapseAccounts::accounts(const std::string& /*server_name*/,
                                                             std::stop_token stop) {
  return listed_accounts(server_, std::move(stop));
}

bool SynapseAccounts::exists(const std::string& user_id, std::stop_token stop) {
  return server_.find(account_target(user_id), std::move(stop)).has_value();
}

/// What it costs is a glance at the list of names; the account itself would be read from many
/// tables.
bool SynapseAccounts::is_taken(const std::string& user_id, std::stop_token stop) {
  constexpr int kBadRequest = 400;
  const std::string localpart = user_id.substr(1, user_id.find(':') - 1);
  try {
    server_.get("/_synapse/admin/v1/username_available?username=" + percent_encode(localpart),
                stop);
    return false;
  } catch (const matrix::ApiError& error) {
    if (error.errcode() == "M_USER_IN_USE") return true;
    if (error.status() != kBadRequest) throw;
  }
  // The name may not be chosen by people, which is another question.
  return exists(user_id, std::move(stop));
}

void SynapseAccounts::create(const plan::CreateAccount& step, const Directory& directory,
                             const Secret& password, std::stop_token stop) {
  json body = account_of(step.person, directory);
  if (step.with_password) {
    body["password"] = password.reveal();
    body["logout_devices"] = false;
    if (is_taken(step.person.user_id, stop)) throw made_meanwhile();
  }
  server_.put(account_target(step.person.user_id), body, stop);
}

void SynapseAccounts::change(const plan::ChangeAccount& step, const Directory& directory,
                             std::stop_token stop) {
  const Person& person = step.person;
  json body = json::object();
  for (const plan::Change& change : step.changes) {
    if (change.field == plan::kDisplayName) body["displayname"] = person.display_name;
    if (change.field == plan::kServerAdministrator) body["admin"] = person.is_server_admin;
  }
  if (step.unlock) body["locked"] = false;
  if (step.look) {
    const json present = server_.get(account_target(person.user_id), stop);
    // What the document does not give is the person's own: a link to a provider that somebody made
    // by logging in must stay.
    if (!person.email.empty()) {
      const json& there = at_path(present, "threepids");
      const json addresses = third_parties(person, there);
      if (!has_all(there, addresses)) body["threepids"] = addresses;
    }
    if (!person.external_id.empty()) {
      const json& there = at_path(present, "external_ids");
      const json ids = external_ids(person, directory, there);
      if (!has_all(there, ids)) body["external_ids"] = ids;
    }
  }
  if (!body.empty()) server_.put(account_target(person.user_id), body, stop);
}

void SynapseAccounts::lock(const plan::LockAccount& step, std::stop_token stop) {
  server_.put(account_target(step.user_id), {{"locked", true}}, stop);
}

void SynapseAccounts::deactivate(const plan::DeactivateAccount& step, std::stop_token stop) {
  server_.post("/_synapse/admin/v1/deactivate/" + percent_encode(step.user_id),
               {{"erase", step.erase}}, stop);
}

}  // namespace alphorn::apply
