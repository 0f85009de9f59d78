#include "apply/personal_data.hpp"

#include "apply/mas_accounts.hpp"
#include "apply/synapse_accounts.hpp"
#include "base/encoding.hpp"
#include "matrix/authentication_service.hpp"

namespace alphorn::apply {
namespace {

constexpr int kPage = 500;

/// All pages of a list, as one list.
json pages(Server& server, const std::string& target, const std::string& list,
           const std::stop_token& stop) {
  json all = json::array();
  std::string from = "0";
  while (!from.empty()) {
    const json page =
        server.get(target + "?limit=" + std::to_string(kPage) + "&from=" + from, stop);
    for (const json& entry : at_path(page, list)) all.push_back(entry);
    const json& next = at_path(page, "next_token");
    from = next.is_null() ? "" : next.is_string() ? next.get<std::string>() : next.dump();
  }
  return all;
}

/// What the person sent in a room, oldest first (GET /_synapse/admin/v1/rooms/{room}/messages).
json messages(Server& server, const std::string& room, const std::string& user_id,
              const std::stop_token& stop) {
  const json filter = {{"senders", json::array({user_id})}};
  const std::string target = "/_synapse/admin/v1/rooms/" + percent_encode(room) +
                             "/messages?dir=f&limit=" + std::to_string(kPage) +
                             "&filter=" + percent_encode(filter.dump());
  json all = json::array();
  std::string from;
  while (true) {
    const json page =
        server.get(from.empty() ? target : target + "&from=" + percent_encode(from), stop);
    for (const json& event : at_path(page, "chunk")) all.push_back(event);
    const std::string end = string_at(page, "end");
    if (end.empty() || end == from) return all;
    from = end;
  }
}

}  // namespace

std::map<std::string, json> personal_data(Server& server, const std::string& user_id,
                                          std::stop_token stop) {
  const std::string id = percent_encode(user_id);
  const std::string one = "/_synapse/admin/v1/users/" + id;
  std::map<std::string, json> files;
  const auto account = server.find(account_target(user_id), stop);
  if (!account) throw std::runtime_error("nobody is called " + user_id + " on this server");
  files["account.json"] = *account;
  files["devices.json"] = server.get("/_synapse/admin/v2/users/" + id + "/devices", stop);
  files["sessions.json"] = server.get("/_synapse/admin/v1/whois/" + id, stop);
  files["memberships.json"] = server.get(one + "/memberships", stop);
  files["account-data.json"] = server.get(one + "/accountdata", stop);
  files["pushers.json"] = server.get(one + "/pushers", stop);
  files["media.json"] = pages(server, one + "/media", "media", stop);
  for (const auto& [room, membership] : at_path(files["memberships.json"], "memberships").items()) {
    json sent = messages(server, room, user_id, stop);
    if (!sent.empty()) files["messages-" + room + ".json"] = std::move(sent);
  }
  return files;
}

std::map<std::string, json> personal_data_of_service(Server& service, const std::string& user_id,
                                                     std::stop_token stop) {
  const auto found = service.find(matrix::account_by_name(localpart_of(user_id)), stop);
  if (!found) return {};
  std::map<std::string, json> files;
  const json& account = files["mas-account.json"] = at_path(*found, "data");
  const auto list = [&](const std::string& name) {
    const std::string target = "/api/admin/v1/" + name + "?filter%5Buser%5D=";
    return whole_list(service, target + percent_encode(string_at(account, "id")), stop);
  };
  files["mas-emails.json"] = list("user-emails");
  files["mas-links.json"] = list("upstream-oauth-links");
  files["mas-sessions.json"] = {{"pages", list("user-sessions")},
                                {"apps", list("oauth2-sessions")},
                                {"appsOfYesterday", list("compat-sessions")}};
  return files;
}

}  // namespace alphorn::apply
