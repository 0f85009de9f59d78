#include "apply/server.hpp"

#include <chrono>

namespace alphorn::apply {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kGivesUpAfter{60};
/// With a server that asks for it again and again.
constexpr seconds kMostPatience{600};
constexpr milliseconds kFirstWait{200};
constexpr milliseconds kLongestWait{5000};
constexpr int kTooManyRequests = 429;
constexpr int kNotFound = 404;
/// A defect of the server shows in every try; a restart or a full pool of connections does not.
constexpr int kTriesOfServerErrors = 4;

bool may_pass(const matrix::ApiError& error) {
  return error.status() >= 500 || error.status() == kTooManyRequests;
}

http::TransportError stopped() { return {http::TransportError::Kind::stopped, "stopped"}; }

/// What is asked for, without of whom or of what. What a server hashes a password for takes it a
/// hundred times as long.
std::string kind_of(const std::string& method, const std::string& target,
                    const json& body = json()) {
  constexpr int kSegments = 4;  // "/_synapse/admin/v2/users"
  std::size_t end = 0;
  for (int count = 0; count < kSegments && end != std::string::npos; ++count) {
    end = target.find_first_of("/?", end + 1);
  }
  const std::string kind = method + " " + target.substr(0, end);
  return body.contains("password") ? kind + " with a password" : kind;
}

}  // namespace

template <typename Send>
json Server::patiently(const std::string& kind, const Send& send, const std::stop_token& stop) {
  const auto begun = Pace::Clock::now();
  milliseconds wait = kFirstWait;
  for (int tries = 1;; ++tries) {
    if (!pace_.enter(stop)) throw stopped();
    ++requests_;
    const auto sent = Pace::Clock::now();
    const auto took = [&] {
      return std::chrono::duration_cast<milliseconds>(Pace::Clock::now() - sent);
    };
    const bool too_late = Pace::Clock::now() - begun > kGivesUpAfter;
    try {
      json answer = send();
      pace_.leave(kind, took(), Pace::Answer::good, {});
      return answer;
    } catch (const matrix::ApiError& error) {
      if (!may_pass(error)) {
        pace_.leave(kind, took(), Pace::Answer::good, {});
        throw;
      }
      const bool haste = error.status() == kTooManyRequests;
      if (haste) ++limited_;
      pace_.leave(kind, took(), haste ? Pace::Answer::limited : Pace::Answer::failed,
                  std::max(wait, error.retry_after()));
      if (haste ? Pace::Clock::now() - begun > kMostPatience
                : too_late || tries >= kTriesOfServerErrors) {
        throw;
      }
    } catch (const http::TransportError& error) {
      pace_.leave(kind, took(), Pace::Answer::failed, wait);
      if (error.kind() == http::TransportError::Kind::stopped || too_late) throw;
    }
    wait = std::min(wait * 2, kLongestWait);
  }
}

json Server::get(const std::string& target, std::stop_token stop) {
  return patiently(
      kind_of("GET", target), [&] { return api_->get(target, {}); }, stop);
}

std::optional<json> Server::find(const std::string& target, std::stop_token stop) {
  try {
    return get(target, std::move(stop));
  } catch (const matrix::ApiError& error) {
    if (error.status() != kNotFound) throw;
    return std::nullopt;
  }
}

json Server::put(const std::string& target, const json& body, std::stop_token stop) {
  ++writes_;
  return patiently(
      kind_of("PUT", target, body), [&] { return api_->put(target, body, {}); }, stop);
}

json Server::post(const std::string& target, const json& body, std::stop_token stop) {
  ++writes_;
  return patiently(
      kind_of("POST", target, body), [&] { return api_->post(target, body, {}); }, stop);
}

json Server::remove(const std::string& target, std::stop_token stop) {
  ++writes_;
  return patiently(
      kind_of("DELETE", target), [&] { return api_->remove(target, {}); }, stop);
}

}  // namespace alphorn::apply
