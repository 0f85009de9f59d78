#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace alphorn::matrix {

/// The homeserver refused: its HTTP status and Matrix error code ("M_USER_IN_USE", "" when none).
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, std::string errcode, const std::string& message,
           std::chrono::milliseconds retry_after = {})
      : std::runtime_error(message),
        status_(status),
        errcode_(std::move(errcode)),
        retry_after_(retry_after) {}
  int status() const { return status_; }
  const std::string& errcode() const { return errcode_; }
  /// How long it asks to be left alone (Retry-After, else retry_after_ms); 0 when it does not say.
  std::chrono::milliseconds retry_after() const { return retry_after_; }

 private:
  int status_;
  std::string errcode_;
  std::chrono::milliseconds retry_after_;
};

}  // namespace alphorn::matrix
