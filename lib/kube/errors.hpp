#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/json.hpp"
#include "http/transport.hpp"

namespace alphorn::kube {

/// The API server refused: an HTTP status of 400 or more with its Status object.
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, std::string reason, const std::string& message,
           std::optional<std::chrono::seconds> retry_after = std::nullopt);

  int status() const { return status_; }
  /// metav1.StatusReason, e.g. "Conflict"; "ResourceVersionTooLarge" stands for the Timeout with
  /// that cause.
  const std::string& reason() const { return reason_; }
  std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }

  bool is_not_found() const { return status_ == 404; }
  bool is_forbidden() const { return status_ == 403; }
  bool is_conflict() const { return status_ == 409 && reason_ == "Conflict"; }
  bool already_exists() const { return status_ == 409 && reason_ == "AlreadyExists"; }
  bool is_expired() const { return status_ == 410; }
  /// The server's cache has not reached the resource version that was asked for.
  bool is_too_large_version() const {
    return status_ == 504 && reason_ == "ResourceVersionTooLarge";
  }

 private:
  int status_;
  std::string reason_;
  std::optional<std::chrono::seconds> retry_after_;
};

/// The error that a Status object tells of: a response's body, or an ERROR event of a watch.
ApiError error_from_status(const json& status, int http_status = 0);

/// The ApiError of a response whose status is 400 or more; its body need not be a Status object.
ApiError error_from_response(const http::Response& response);

/// Throws the ApiError of a response whose status is 400 or more.
void throw_if_failed(const http::Response& response);

}  // namespace alphorn::kube
