#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>

#include "apply/pace.hpp"
#include "matrix/session.hpp"

namespace alphorn::apply {

/// One homeserver, asked at the pace it likes. What may succeed later is tried again: a refusal for
/// haste, an answer that did not come, a server that restarts. Every request must be safe to
/// repeat. A request to stop lets those that are under way finish and lets none begin. Throws
/// matrix::ApiError for a refusal that stays one, http::TransportError once the server has not
/// answered for a minute or the caller stopped. Thread-safe.
class Server {
 public:
  Server(matrix::Session session, Pace::Limits limits)
      : session_(std::move(session)), pace_(limits) {}

  json get(const std::string& target, std::stop_token stop);
  /// Counted among the writes, as are the next two.
  json put(const std::string& target, const json& body, std::stop_token stop);
  json post(const std::string& target, const json& body, std::stop_token stop);
  json remove(const std::string& target, std::stop_token stop);

  const matrix::Session& session() const { return session_; }
  int requests() const { return requests_; }
  int writes() const { return writes_; }
  int limited() const { return limited_; }  ///< how often it asked for patience

 private:
  template <typename Send>
  json patiently(const Send& send, const std::stop_token& stop);

  matrix::Session session_;
  Pace pace_;
  std::atomic<int> requests_ = 0;
  std::atomic<int> writes_ = 0;
  std::atomic<int> limited_ = 0;
};

}  // namespace alphorn::apply
