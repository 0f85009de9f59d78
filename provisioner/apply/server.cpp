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

}  // namespace

template <typename Send>
json Server::patiently(const Send& send, const std::stop_token& stop) {
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
      pace_.leave(took(), Pace::Answer::good, {});
      return answer;
    } catch (const matrix::ApiError& error) {
      if (!may_pass(error)) {
        pace_.leave(took(), Pace::Answer::good, {});
        throw;
      }
      const bool haste = error.status() == kTooManyRequests;
      if (haste) ++limited_;
      pace_.leave(took(), haste ? Pace::Answer::limited : Pace::Answer::failed,
                  std::max(wait, error.retry_after()));
      if (haste ? Pace::Clock::now() - begun > kMostPatience
                : too_late || tries >= kTriesOfServerErrors) {
        throw;
      }
    } catch (const http::TransportError& error) {
      pace_.leave(took(), Pace::Answer::failed, wait);
      if (error.kind() == http::TransportError::Kind::stopped || too_late) throw;
    }
    wait = std::min(wait * 2, kLongestWait);
  }
}

json Server::get(const std::string& target, std::stop_token stop) {
  return patiently([&] { return api_->get(target, {}); }, stop);
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
  return patiently([&] { return api_->put(target, body, {}); }, stop);
}

json Server::post(const std::string& target, const json& body, std::stop_token stop) {
  ++writes_;
  return patiently([&] { return api_->post(target, body, {}); }, stop);
}

json Server::remove(const std::string& target, std::stop_token stop) {
  ++writes_;
  return patiently([&] { return api_->remove(target, {}); }, stop);
}

}  // namespace alphorn::apply
