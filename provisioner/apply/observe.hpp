#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "apply/server.hpp"
#include "directory/directory.hpp"
#include "plan/live.hpp"

namespace alphorn::apply {

/// What the server has of this directory, in 2 + accounts/1000 + managed rooms requests. Reads
/// only. Throws as Server does, and std::runtime_error that says what to do when the account behind
/// the session may not see it.
plan::Live observe(Server& server, const directory::Directory& directory, std::stop_token stop);

}  // namespace alphorn::apply
