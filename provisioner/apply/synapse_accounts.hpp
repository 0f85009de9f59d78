#pragma once

#include "apply/account_keeper.hpp"
#include "apply/server.hpp"

namespace alphorn::apply {

/// Accounts that Synapse keeps itself.
class SynapseAccounts final : public AccountKeeper {
 public:
  explicit SynapseAccounts(Server& server) : server_(server) {}

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
  bool is_taken(const std::string& user_id, std::stop_token stop);

  Server& server_;
};

/// The accounts that Synapse lists, locked and deactivated ones too.
std::map<std::string, plan::LiveAccount> listed_accounts(Server& server, std::stop_token stop);

/// Where Synapse's administrators find an account.
std::string account_target(const std::string& user_id);

}  // namespace alphorn::apply
