#include "apply/synapse_accounts.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace alphorn::apply {
namespace {

using directory::Directory;
using directory::Person;
using plan::LiveAccount;

constexpr int kPage = 1000;
constexpr int kNotFound = 404;

/// Full replacements, as the API wants them.
json third_parties(const Person& person) {
  json list = json::array();
  if (!person.email.empty()) {
    list.push_back({{"medium", "email"}, {"address", person.email}});
  }
  return list;
}

json external_ids(const Person& person, const Directory& directory) {
  json list = json::array();
  if (!person.external_id.empty()) {
    list.push_back(
        {{"auth_provider", directory.identity_provider}, {"external_id", person.external_id}});
  }
  return list;
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
  try {
    server_.get(account_target(user_id), stop);
    return true;
  } catch (const matrix::ApiError& error) {
    if (error.status() != kNotFound) throw;
    return false;
  }
}

void SynapseAccounts::create(const plan::CreateAccount& step, const Directory& directory,
                             const Secret& password, std::stop_token stop) {
  json body = account_of(step.person, directory);
  if (step.with_password) {
    body["password"] = password.reveal();
    body["logout_devices"] = false;
    if (exists(step.person.user_id, stop)) throw made_meanwhile();
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
    const json addresses = third_parties(person);
    const json ids = external_ids(person, directory);
    if (!has_all(at_path(present, "threepids"), addresses)) body["threepids"] = addresses;
    if (!has_all(at_path(present, "external_ids"), ids)) body["external_ids"] = ids;
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
