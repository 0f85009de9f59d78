#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "http/transport.hpp"

namespace alphorn::test {

/// Answers requests from a list, in order, and keeps what was asked. Sends and streams share the
/// list. When the list is at its end a request blocks until it is stopped, as a silent server does.
/// Thread-safe.
class ScriptedTransport final : public http::Transport {
 public:
  /// A stream's lines; they end with the connection, or with the error.
  struct Lines {
    std::vector<std::string> lines;
    std::optional<http::TransportError> error = std::nullopt;
  };
  using Answer = std::variant<http::Response, http::TransportError, Lines>;

  ScriptedTransport& then(Answer answer) {
    const std::scoped_lock lock{mutex_};
    answers_.push_back(std::move(answer));
    changed_.notify_all();
    return *this;
  }
  ScriptedTransport& then(int status, const json& body, http::Headers headers = {}) {
    return then(http::Response{status, std::move(headers), body.dump()});
  }

  /// Waits until that many requests came; false when they do not within a minute.
  bool wait_for_requests(std::size_t count) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{60},
                             [&] { return requests_.size() >= count; });
  }
  std::vector<http::Request> requests() const {
    const std::scoped_lock lock{mutex_};
    return requests_;
  }

  http::Response send(const http::Request& request, std::stop_token stop) override {
    Answer answer = next(request, stop);
    if (auto* error = std::get_if<http::TransportError>(&answer)) throw *error;
    return std::get<http::Response>(std::move(answer));
  }

  http::Response stream(const http::Request& request, const LineSink& on_line, std::chrono::seconds,
                        std::stop_token stop) override {
    Answer answer = next(request, stop);
    if (auto* error = std::get_if<http::TransportError>(&answer)) throw *error;
    if (auto* response = std::get_if<http::Response>(&answer)) return *response;
    const auto& lines = std::get<Lines>(answer);
    for (const std::string& line : lines.lines) on_line(line);
    if (lines.error) throw *lines.error;
    return {.status = 200};
  }

 private:
  Answer next(const http::Request& request, const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    requests_.push_back(request);
    changed_.notify_all();
    changed_.wait(lock, stop, [this] { return !answers_.empty(); });
    if (answers_.empty()) {
      throw http::TransportError(http::TransportError::Kind::stopped, "stopped");
    }
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Answer> answers_;
  std::vector<http::Request> requests_;
};

/// The Status object that the API server answers a refusal with.
inline json status_object(int code, const std::string& reason, const std::string& message = "no") {
  return {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"},
          {"code", code},     {"reason", reason},   {"message", message}};
}

/// One line of a watch.
inline std::string event_line(const std::string& type, const json& object) {
  return json{{"type", type}, {"object", object}}.dump();
}

}  // namespace alphorn::test
