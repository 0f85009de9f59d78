#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "apply/server.hpp"

namespace alphorn::apply {

/// What a server has of one person, by file name: account.json, devices.json, sessions.json
/// (addresses and clients), memberships.json, account-data.json, pushers.json, media.json, and
/// messages-ROOM.json for each room with what the person sent there: encrypted messages as the
/// server has them, which is unreadable. Reads only; of rooms the person has left, what was sent is
/// there as well. `account` must be a server administrator's session. Throws as Server does,
/// std::runtime_error when nobody is called so.
std::map<std::string, json> personal_data(Server& server, const std::string& user_id,
                                          std::stop_token stop);

}  // namespace alphorn::apply
