#include "matrix/homeserver.hpp"

#include "base/encoding.hpp"
#include "matrix/exchange.hpp"

namespace alphorn::matrix {

namespace {

constexpr const char* kThrowawayPrefix = "alphorn-recovery-";
constexpr std::size_t kThrowawayNameLength = 12;
constexpr std::size_t kThrowawayPasswordLength = 40;

http::Headers bearer(const Secret& token) {
  return {{"Authorization", "Bearer " + token.reveal()}};
}

http::Request put(const std::string& target, const json& body, const Secret& token) {
  return {.method = "PUT", .target = target, .headers = bearer(token), .body = body.dump()};
}

http::Request post(const std::string& target, const json& body) {
  return {.method = "POST", .target = target, .body = body.dump()};
}

std::string user_target(const std::string& prefix, const std::string& user_id) {
  return prefix + percent_encode(user_id);
}

}  // namespace

Homeserver::Homeserver(std::shared_ptr<http::Transport> transport)
    : transport_(std::move(transport)) {}

json Homeserver::call(http::Request request, std::stop_token stop) const {
  return exchange(*transport_, std::move(request), std::move(stop));
}

std::string Homeserver::version(std::stop_token stop) const {
  const json answer = call({.target = "/_synapse/admin/v1/server_version"}, stop);
  const std::string text = string_at(answer, "server_version");
  // A build may append itself: "1.163.2 (b=develop,0123abc)".
  return text.substr(0, text.find(' '));
}

std::vector<std::string> Homeserver::signing_key_ids(std::stop_token stop) const {
  const json answer = call({.target = "/_matrix/key/v2/server"}, stop);
  std::vector<std::string> ids;
  for (const auto& [id, key] : at_path(answer, "verify_keys").items()) ids.push_back(id);
  return ids;
}

void Homeserver::ask_database(const std::string& server_name, std::stop_token stop) const {
  const std::string alias = "#alphorn-readiness:" + server_name;
  try {
    call({.target = "/_matrix/client/v3/directory/room/" + percent_encode(alias)}, stop);
  } catch (const ApiError& error) {
    if (error.errcode() != "M_NOT_FOUND") throw;
  }
}

Secret Homeserver::register_user(const std::string& localpart, const Secret& password,
                                 const Secret& registration_secret, std::stop_token stop) const {
  const std::string target = "/_synapse/admin/v1/register";
  const std::string nonce = string_at(call({.target = target}, stop), "nonce");
  std::string signed_text = nonce;
  for (const std::string& part : {localpart, password.reveal(), std::string("admin")}) {
    signed_text += '\0';
    signed_text += part;
  }
  const json body = {{"nonce", nonce},
                     {"username", localpart},
                     {"password", password.reveal()},
                     {"admin", true},
                     {"mac", hmac_sha1_hex(registration_secret.reveal(), signed_text)}};
  return Secret(string_at(call(post(target, body), stop), "access_token"));
}

void Homeserver::ensure_administrator(const std::string& server_name, const std::string& localpart,
                                      const Secret& password, const Secret& registration_secret,
                                      Existing existing, std::stop_token stop) const {
  const std::string users = "/_synapse/admin/v2/users/";
  const auto log_out = [&](const Secret& token) {
    call({.method = "POST",
          .target = "/_matrix/client/v3/logout",
          .headers = bearer(token),
          .body = "{}"},
         stop);
  };
  try {
    // Registration opens a session that nobody asked for.
    log_out(register_user(localpart, password, registration_secret, stop));
    return;
  } catch (const ApiError& error) {
    if (error.errcode() != "M_USER_IN_USE") throw;
    if (existing == Existing::keep_password) return;
  }
  const std::string throwaway =
      kThrowawayPrefix + lower_case(random_token(kThrowawayNameLength).reveal());
  const Secret token =
      register_user(throwaway, random_token(kThrowawayPasswordLength), registration_secret, stop);
  try {
    call(put(user_target(users, "@" + localpart + ":" + server_name),
             {{"password", password.reveal()},
              {"logout_devices", false},
              {"admin", true},
              {"deactivated", false}},
             token),
         stop);
  } catch (const std::exception&) {
    retire_throwaways("@" + throwaway + ":" + server_name, token, stop);
    throw;
  }
  retire_throwaways("@" + throwaway + ":" + server_name, token, stop);
}

void Homeserver::retire_throwaways(const std::string& self, const Secret& token,
                                   std::stop_token stop) const {
  const json found =
      call({.target = std::string("/_synapse/admin/v2/users?limit=100&name=") + kThrowawayPrefix,
            .headers = bearer(token)},
           stop);
  const auto retire = [&](const std::string& user_id) {
    http::Request leave =
        post(user_target("/_synapse/admin/v1/deactivate/", user_id), {{"erase", true}});
    leave.headers = bearer(token);
    call(leave, stop);
  };
  for (const json& user : at_path(found, "users")) {
    const std::string user_id = string_at(user, "name");
    // The search looks into display names too; only names that we made may go.
    if (user_id != self && user_id.starts_with("@" + std::string(kThrowawayPrefix))) {
      retire(user_id);
    }
  }
  retire(self);  // last: its token ends with it
}

}  // namespace alphorn::matrix
