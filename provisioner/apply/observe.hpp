#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "apply/account_keeper.hpp"
#include "apply/server.hpp"
#include "directory/directory.hpp"
#include "plan/live.hpp"

namespace alphorn::apply {

/// What the server has of this directory, in 3 + accounts/1000 + managed rooms requests; one more
/// for each thousand accounts that another service keeps, two for each room where somebody of
/// another server is, or was, in its charge. Reads only. Throws as
/// Server does, and std::runtime_error that says what to do: when the server is not the document's,
/// when the account behind the session may not see it, when the directory's memory is not its own.
plan::Live observe(Server& server, AccountKeeper& accounts, const directory::Directory& directory,
                   std::stop_token stop);

}  // namespace alphorn::apply
