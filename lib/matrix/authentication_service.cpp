#include "matrix/authentication_service.hpp"

#include "base/encoding.hpp"
#include "matrix/exchange.hpp"

namespace alphorn::matrix {

namespace {

constexpr int kUnauthorized = 401;
constexpr int kNotFound = 404;
constexpr const char* kSessions = "/api/admin/v1/personal-sessions";
/// Of the homeserver: all that clients may do, and all that administrators may.
constexpr const char* kScope = "urn:matrix:client:api:* urn:synapse:admin:*";
/// A token that ends sooner is not sent any more: the request may wait in a queue.
constexpr std::chrono::seconds kReserve{30};

}  // namespace

std::string account_by_name(const std::string& localpart) {
  return std::string{kAccountsOfService} + "/by-username/" + percent_encode(localpart);
}

std::string account_action(const std::string& id, const std::string& action) {
  return std::string{kAccountsOfService} + "/" + percent_encode(id) + "/" + action;
}

AuthenticationService::AuthenticationService(std::shared_ptr<http::Transport> transport,
                                             std::string client_id, Secret client_secret,
                                             const Clock& clock)
    : transport_(std::move(transport)),
      client_id_(std::move(client_id)),
      client_secret_(std::move(client_secret)),
      clock_(clock) {}

json AuthenticationService::send(http::Request request, std::stop_token stop) const {
  const auto send_as = [&](const Secret& token) {
    request.headers["Authorization"] = "Bearer " + token.reveal();
    return exchange(*transport_, request, stop);
  };
  const Secret token = access_token(stop);
  try {
    return send_as(token);
  } catch (const ApiError& error) {
    // It was revoked, or the service has lost its memory.
    if (error.status() != kUnauthorized) throw;
  }
  forget(token);
  return send_as(access_token(stop));
}

Secret AuthenticationService::access_token(const std::stop_token& stop) const {
  // Under the lock: who else needs one has to wait for it as well.
  return token_.with([&](Token& token) {
    if (token.text.empty() || clock_.now() >= token.good_until) token = fresh_token(stop);
    return token.text;
  });
}

AuthenticationService::Token AuthenticationService::fresh_token(const std::stop_token& stop) const {
  const std::string credentials = base64_encode(client_id_ + ":" + client_secret_.reveal());
  const Clock::Instant asked = clock_.now();
  const json answer = exchange(*transport_,
                               {.method = "POST",
                                .target = "/oauth2/token",
                                .headers = {{"Authorization", "Basic " + credentials},
                                            {"Content-Type", "application/x-www-form-urlencoded"}},
                                .body = "grant_type=client_credentials&scope=urn%3Amas%3Aadmin"},
                               stop);
  return {.text = Secret(string_at(answer, "access_token")),
          .good_until = asked + std::chrono::seconds(integer_at(answer, "expires_in")) - kReserve};
}

void AuthenticationService::forget(const Secret& token) const {
  token_.with([&](Token& held) {
    if (held.text.reveal() == token.reveal()) held = {};
  });
}

void AuthenticationService::ensure_administrator(const std::string& localpart,
                                                 const Secret& password, Password policy,
                                                 std::stop_token stop) const {
  std::string id;
  try {
    id = string_at(get(account_by_name(localpart), stop), "data/id");
  } catch (const ApiError& error) {
    if (error.status() != kNotFound) throw;
  }
  const bool is_new = id.empty();
  if (is_new) {
    id = string_at(post(kAccountsOfService, {{"username", localpart}}, stop), "data/id");
  }
  if (policy == Password::of_any || (is_new && policy == Password::of_new_accounts)) {
    // Drawn as it is, it needs no judge of how hard it is to guess.
    post(account_action(id, "set-password"),
         {{"password", password.reveal()}, {"skip_password_check", true}}, stop);
  }
  post(account_action(id, "set-admin"), {{"admin", true}}, stop);
}

AuthenticationService::PersonalSession AuthenticationService::open_session(
    const std::string& localpart, const std::string& name, std::chrono::seconds lifetime,
    std::stop_token stop) const {
  const std::string account = string_at(get(account_by_name(localpart), stop), "data/id");
  const json answer = post(kSessions,
                           {{"actor_user_id", account},
                            {"human_name", name},
                            {"scope", kScope},
                            {"expires_in", lifetime.count()}},
                           stop);
  return {.id = string_at(answer, "data/id"),
          .token = Secret(string_at(answer, "data/attributes/access_token"))};
}

void AuthenticationService::close_session(const std::string& id, std::stop_token stop) const {
  post(std::string{kSessions} + "/" + percent_encode(id) + "/revoke", json::object(), stop);
}

LentSession::LentSession(std::shared_ptr<const AuthenticationService> service,
                         const std::string& localpart, const std::string& name,
                         std::chrono::seconds lifetime, std::stop_token stop)
    : service_(std::move(service)),
      session_(service_->open_session(localpart, name, lifetime, std::move(stop))) {}

LentSession::~LentSession() {
  try {
    service_->close_session(session_.id, {});
  } catch (const std::exception&) {
    // The service is gone; the session ends by age.
  }
}

}  // namespace alphorn::matrix
