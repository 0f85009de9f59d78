#pragma once

#include <optional>

#include "apply/account_keeper.hpp"
#include "apply/server.hpp"
#include "base/locked.hpp"

namespace alphorn::apply {

/// Accounts that Matrix Authentication Service keeps: it makes them at the homeserver as well. The
/// homeserver knows their display names alone. Preview: written against the API's description and
/// never run against the real program (docs/decisions/0028).
class MasAccounts final : public AccountKeeper {
 public:
  /// `service` is its API of administrators.
  MasAccounts(Server& service, Server& homeserver) : service_(service), homeserver_(homeserver) {}

  std::map<std::string, plan::LiveAccount> accounts(const std::string& server_name,
                                                    std::stop_token stop) override;
  bool exists(const std::string& user_id, std::stop_token stop) override;
  void create(const plan::CreateAccount& step, const directory::Directory& directory,
              const Secret& password, std::stop_token stop) override;
  void change(const plan::ChangeAccount& step, const directory::Directory& directory,
              std::stop_token stop) override;
  void lock(const plan::LockAccount& step, std::stop_token stop) override;
  void deactivate(const plan::DeactivateAccount& step, std::stop_token stop) override;

 private:
  std::optional<std::string> find(const std::string& user_id, const std::stop_token& stop);
  std::string id_of(const std::string& user_id, const std::stop_token& stop);
  std::string make(const plan::CreateAccount& step, const std::stop_token& stop);
  void require_passwords(const std::stop_token& stop);
  void set_first_password(const std::string& id, const directory::Person& person,
                          const Secret& password, const std::stop_token& stop);
  void bring_email(const std::string& id, const std::string& address, const std::stop_token& stop);
  void bring_link(const std::string& id, const std::string& subject, const std::string& provider,
                  const std::stop_token& stop);

  Server& service_;
  Server& homeserver_;
  /// Whether people may log in with passwords there; nothing: not asked yet.
  Locked<std::optional<bool>> takes_passwords_;
};

/// All entries of a list of the service's, page by page. `target` may have a query.
json whole_list(Server& service, const std::string& target, const std::stop_token& stop);

/// "@anna:acme.example" -> "anna".
std::string localpart_of(const std::string& user_id);

}  // namespace alphorn::apply
