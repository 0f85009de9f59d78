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

/// What Matrix Authentication Service has of the person, where that keeps the accounts:
/// mas-account.json, mas-emails.json, mas-links.json (to identity providers) and mas-sessions.json
/// (of its pages, of apps, and of apps of yesterday). Nothing when it knows nobody called so. Reads
/// only.
std::map<std::string, json> personal_data_of_service(Server& service, const std::string& user_id,
                                                     std::stop_token stop);

}  // namespace alphorn::apply
