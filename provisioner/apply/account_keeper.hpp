#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "base/secret.hpp"
#include "directory/directory.hpp"
#include "matrix/api_error.hpp"
#include "plan/live.hpp"
#include "plan/step.hpp"

namespace alphorn::apply {

/// Who keeps a homeserver's accounts: itself, or Matrix Authentication Service. Every call may
/// throw as Server does, and can be repeated; all may come from several threads at once.
class AccountKeeper {
 public:
  virtual ~AccountKeeper() = default;

  /// All accounts of the server that is called `server_name`, by user id.
  virtual std::map<std::string, plan::LiveAccount> accounts(const std::string& server_name,
                                                            std::stop_token stop) = 0;
  virtual bool exists(const std::string& user_id, std::stop_token stop) = 0;

  /// Makes an account, with `password` when the step says so. One that is there by then keeps the
  /// password that it has: that is made_meanwhile().
  virtual void create(const plan::CreateAccount& step, const directory::Directory& directory,
                      const Secret& password, std::stop_token stop) = 0;
  virtual void change(const plan::ChangeAccount& step, const directory::Directory& directory,
                      std::stop_token stop) = 0;
  /// Its sessions are refused from now on.
  virtual void lock(const plan::LockAccount& step, std::stop_token stop) = 0;
  virtual void deactivate(const plan::DeactivateAccount& step, std::stop_token stop) = 0;
};

inline matrix::ApiError made_meanwhile(
    const std::string& consequence = "the one in the newest sealed part is void") {
  constexpr int kConflict = 409;
  return {kConflict, "M_USER_IN_USE",
          "somebody has made the account meanwhile: it keeps its password, and " + consequence};
}

}  // namespace alphorn::apply
