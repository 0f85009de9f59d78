#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "http/transport.hpp"

namespace alphorn::kube {

/// The API server refused: an HTTP status of 400 or more with its Status object.
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, std::string reason, const std::string& message,
           std::optional<std::chrono::seconds> retry_after = std::nullopt);

  int status() const { return status_; }
  const std::string& reason() const { return reason_; }  ///< metav1.StatusReason, e.g. "Conflict"
  std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }

  bool is_not_found() const { return status_ == 404; }
  bool is_conflict() const { return status_ == 409 && reason_ == "Conflict"; }
  bool already_exists() const { return status_ == 409 && reason_ == "AlreadyExists"; }
  bool is_expired() const { return status_ == 410; }
  bool is_invalid() const { return status_ == 422; }

 private:
  int status_;
  std::string reason_;
  std::optional<std::chrono::seconds> retry_after_;
};

/// Throws the ApiError of a response whose status is 400 or more.
void throw_if_failed(const http::Response& response);

}  // namespace alphorn::kube
