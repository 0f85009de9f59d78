#pragma once

#include <cstddef>
#include <ostream>
#include <string>

namespace alphorn {

/// A string that must not be seen: streams, formatters and JSON get "[redacted]".
/// The memory is wiped on destruction.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value);
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) noexcept = default;
  ~Secret();

  /// The text itself; call it only where the text leaves the process on purpose.
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

std::ostream& operator<<(std::ostream& out, const Secret&);

/// `count` bytes of the operating system's generator (OpenSSL RAND_bytes).
/// Throws std::runtime_error when it cannot deliver.
std::string random_bytes(std::size_t count);

/// A password or token of `length` characters out of A-Z a-z 0-9, each drawn uniformly.
Secret random_token(std::size_t length);

/// A password of `length` characters that a person can copy from paper: letters and digits without
/// those that look alike (0 O o, 1 I l), each drawn uniformly.
Secret random_password(std::size_t length);

}  // namespace alphorn
