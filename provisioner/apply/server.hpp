#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "apply/pace.hpp"
#include "matrix/api_error.hpp"
#include "matrix/json_api.hpp"

namespace alphorn::apply {

/// One homeserver, or the service that keeps its accounts, asked at the pace it likes. What may
/// succeed later is tried again: a refusal for haste, an answer that did not come, a server that
/// restarts. Every request must be safe to repeat. A request to stop lets those that are under way
/// finish and lets none begin. Throws matrix::ApiError for a refusal that stays one,
/// http::TransportError once the server has not answered for a minute or the caller stopped.
/// Thread-safe.
class Server {
 public:
  Server(std::shared_ptr<const matrix::JsonApi> api, Pace::Limits limits)
      : api_(std::move(api)), pace_(limits) {}

  json get(const std::string& target, std::stop_token stop);
  /// The same; nothing when the server answers that there is no such thing (404).
  std::optional<json> find(const std::string& target, std::stop_token stop);
  /// Counted among the writes, as are the next two.
  json put(const std::string& target, const json& body, std::stop_token stop);
  json post(const std::string& target, const json& body, std::stop_token stop);
  json remove(const std::string& target, std::stop_token stop);

  /// To ask once, without patience, and uncounted.
  const matrix::JsonApi& api() const { return *api_; }
  int requests() const { return requests_; }
  int writes() const { return writes_; }
  int limited() const { return limited_; }  ///< how often it asked for patience

 private:
  template <typename Send>
  json patiently(const std::string& kind, const Send& send, const std::stop_token& stop);

  std::shared_ptr<const matrix::JsonApi> api_;
  Pace pace_;
  std::atomic<int> requests_ = 0;
  std::atomic<int> writes_ = 0;
  std::atomic<int> limited_ = 0;
};

}  // namespace alphorn::apply
