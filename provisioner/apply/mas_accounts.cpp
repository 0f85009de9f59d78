#include "apply/mas_accounts.hpp"

#include <algorithm>
#include <vector>

#include "apply/synapse_accounts.hpp"
#include "base/encoding.hpp"
#include "base/ulid.hpp"
#include "matrix/authentication_service.hpp"

namespace alphorn::apply {
namespace {

using directory::Directory;
using directory::Person;
using matrix::account_action;
using plan::LiveAccount;

constexpr int kPage = 1000;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr const char* kEmails = "/api/admin/v1/user-emails";
constexpr const char* kLinks = "/api/admin/v1/upstream-oauth-links";

std::string of_user(const std::string& id) { return "?filter%5Buser%5D=" + percent_encode(id); }

/// The document names a provider as Synapse does ("oidc-acme", the operator's "acme"), or by the
/// ULID that it has here.
std::string provider_id(const std::string& name) {
  static const std::string prefix = "oidc-";
  if (is_ulid(name)) return name;
  return ulid_of_provider(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
}

/// An account that is there gets no password in a later run either.
std::string void_password(const Person& person) {
  return "it was given no password, and the one in the newest sealed part is void; give it one "
         "with "
         "\"mas-cli manage set-password " +
         localpart_of(person.user_id) + "\"";
}

}  // namespace

std::string localpart_of(const std::string& user_id) {
  return user_id.substr(1, user_id.find(':') - 1);
}

json whole_list(Server& service, const std::string& target, const std::stop_token& stop) {
  const std::string first = target + (target.find('?') == std::string::npos ? "?" : "&") +
                            "count=false&page%5Bfirst%5D=" + std::to_string(kPage);
  json all = json::array();
  std::string from;
  while (true) {
    const json page = service.get(first + from, stop);
    for (const json& entry : at_path(page, "data")) all.push_back(entry);
    if (string_at(page, "links/next").empty() || at_path(page, "data").empty()) return all;
    from = "&page%5Bafter%5D=" + percent_encode(string_at(all.back(), "id"));
  }
}

std::map<std::string, LiveAccount> MasAccounts::accounts(const std::string& server_name,
                                                         std::stop_token stop) {
  std::map<std::string, LiveAccount> accounts = listed_accounts(homeserver_, stop);
  for (auto& [user_id, account] : accounts) account.is_puppet = true;
  for (const json& user : whole_list(service_, matrix::kAccountsOfService, stop)) {
    const json& is = at_path(user, "attributes");
    LiveAccount& account = accounts["@" + string_at(is, "username") + ":" + server_name];
    account.admin = at_path(is, "admin") == true;
    account.locked = !at_path(is, "locked_at").is_null();
    account.deactivated = !at_path(is, "deactivated_at").is_null();
    account.is_puppet = false;
  }
  return accounts;
}

std::optional<std::string> MasAccounts::find(const std::string& user_id,
                                             const std::stop_token& stop) {
  const auto found = service_.find(matrix::account_by_name(localpart_of(user_id)), stop);
  if (!found) return std::nullopt;
  return string_at(*found, "data/id");
}

std::string MasAccounts::id_of(const std::string& user_id, const std::stop_token& stop) {
  const std::optional<std::string> id = find(user_id, stop);
  if (id) return *id;
  throw matrix::ApiError(kNotFound, "M_NOT_FOUND",
                         "Matrix Authentication Service has no such account any more");
}

bool MasAccounts::exists(const std::string& user_id, std::stop_token stop) {
  return find(user_id, stop).has_value();
}

void MasAccounts::create(const plan::CreateAccount& step, const Directory& directory,
                         const Secret& password, std::stop_token stop) {
  const Person& person = step.person;
  std::optional<std::string> id = find(person.user_id, stop);
  if (step.with_password) {
    if (id) throw made_meanwhile();
    require_passwords(stop);
  }
  if (!id) id = make(step, stop);
  if (step.with_password) set_first_password(*id, person, password, stop);
  if (!person.email.empty()) bring_email(*id, person.email, stop);
  if (!person.external_id.empty()) {
    bring_link(*id, person.external_id, directory.identity_provider, stop);
  }
  if (person.is_server_admin) {
    service_.post(account_action(*id, "set-admin"), {{"admin", true}}, stop);
  }
}

std::string MasAccounts::make(const plan::CreateAccount& step, const std::stop_token& stop) {
  json body = {{"username", localpart_of(step.person.user_id)},
               {"displayname", step.person.display_name}};
  // Else a name that the homeserver has is refused.
  if (step.adopt) body["skip_homeserver_check"] = true;
  try {
    return string_at(service_.post(matrix::kAccountsOfService, body, stop), "data/id");
  } catch (const matrix::ApiError& error) {
    if (error.status() != kConflict) throw;
    const std::optional<std::string> id = find(step.person.user_id, stop);
    if (!id) throw;
    if (!step.with_password) return *id;
    throw matrix::ApiError(
        kConflict, "M_USER_IN_USE",
        "the account came while it was asked for, by somebody else or by a request "
        "whose answer was lost: " +
            void_password(step.person));
  }
}

/// Asked before the first account is made.
void MasAccounts::require_passwords(const std::stop_token& stop) {
  const bool takes = takes_passwords_.with([&](std::optional<bool>& known) {
    if (!known) {
      known = service_.get("/api/admin/v1/site-config", stop).value("password_login_enabled", true);
    }
    return *known;
  });
  if (takes) return;
  throw matrix::ApiError(
      kForbidden, "M_FORBIDDEN",
      "Matrix Authentication Service takes no passwords, and the account was not "
      "made; say spec.authentication.passwords: false, or let it take them");
}

void MasAccounts::set_first_password(const std::string& id, const Person& person,
                                     const Secret& password, const std::stop_token& stop) {
  try {
    // Drawn as it is, it needs no judge of how hard it is to guess.
    service_.post(account_action(id, "set-password"),
                  {{"password", password.reveal()}, {"skip_password_check", true}}, stop);
  } catch (const matrix::ApiError& error) {
    throw matrix::ApiError(
        error.status(), error.errcode(),
        "the account was made, and " + void_password(person) + ": " + error.what());
  }
}

void MasAccounts::change(const plan::ChangeAccount& step, const Directory& directory,
                         std::stop_token stop) {
  const Person& person = step.person;
  const std::string id = id_of(person.user_id, stop);
  for (const plan::Change& change : step.changes) {
    if (change.field == plan::kDisplayName) {
      homeserver_.put(account_target(person.user_id), {{"displayname", person.display_name}}, stop);
    }
    if (change.field == plan::kServerAdministrator) {
      service_.post(account_action(id, "set-admin"), {{"admin", person.is_server_admin}}, stop);
    }
  }
  if (step.unlock) service_.post(account_action(id, "unlock"), json::object(), stop);
  if (step.look) {
    // What the document does not give is the person's own.
    if (!person.email.empty()) bring_email(id, person.email, stop);
    if (!person.external_id.empty()) {
      bring_link(id, person.external_id, directory.identity_provider, stop);
    }
  }
}

/// The address, if any, is the account's only one afterwards, and it is never without one
/// meanwhile.
void MasAccounts::bring_email(const std::string& id, const std::string& address,
                              const std::stop_token& stop) {
  bool is_there = false;
  std::vector<std::string> others;
  for (const json& email : whole_list(service_, kEmails + of_user(id), stop)) {
    if (lower_case(string_at(email, "attributes/email")) == lower_case(address)) {
      is_there = true;
    } else {
      others.push_back(string_at(email, "id"));
    }
  }
  if (!is_there && !address.empty()) {
    service_.post(kEmails, {{"user_id", id}, {"email", address}}, stop);
  }
  for (const std::string& other : others) {
    service_.remove(std::string{kEmails} + "/" + percent_encode(other), stop);
  }
}

/// The subject, if any, is the account's only one at the provider afterwards. The service takes no
/// second one beside it, so the former goes first. Links to other providers are left alone.
void MasAccounts::bring_link(const std::string& id, const std::string& subject,
                             const std::string& provider, const std::stop_token& stop) {
  if (provider.empty()) return;
  const std::string of_provider = provider_id(provider);
  bool is_there = false;
  const std::string target =
      kLinks + of_user(id) + "&filter%5Bprovider%5D=" + percent_encode(of_provider);
  for (const json& link : whole_list(service_, target, stop)) {
    if (string_at(link, "attributes/subject") == subject) {
      is_there = true;
    } else {
      service_.remove(std::string{kLinks} + "/" + percent_encode(string_at(link, "id")), stop);
    }
  }
  if (!is_there && !subject.empty()) {
    service_.post(kLinks, {{"user_id", id}, {"provider_id", of_provider}, {"subject", subject}},
                  stop);
  }
}

void MasAccounts::lock(const plan::LockAccount& step, std::stop_token stop) {
  service_.post(account_action(id_of(step.user_id, stop), "lock"), json::object(), stop);
}

void MasAccounts::deactivate(const plan::DeactivateAccount& step, std::stop_token stop) {
  // It erases unless it is told not to.
  service_.post(account_action(id_of(step.user_id, stop), "deactivate"),
                {{"skip_erase", !step.erase}}, stop);
}

}  // namespace alphorn::apply
