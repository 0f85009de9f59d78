#pragma once

#include <functional>
#include <string>

#include "base/clock.hpp"
#include "base/locked.hpp"
#include "base/secret.hpp"
#include "http/transport.hpp"

namespace alphorn::kube {

/// The text of a file. Throws std::runtime_error that names it.
std::string read_file(const std::string& path);

/// Without white space at its end, which editors and programs like to leave there.
std::string trimmed(std::string text);

/// A bearer token in a file that somebody rotates: read again once a minute, and at once after the
/// server refused it. When a later read fails the token at hand is kept. Thread-safe.
class TokenFile {
 public:
  using ReadFile = std::function<std::string(const std::string& path)>;

  explicit TokenFile(std::string path, const Clock& clock = steady_clock(),
                     ReadFile read = read_file);

  /// Throws std::runtime_error when no token could be read yet, or none is left after drop().
  Secret token();
  /// The server answered 401.
  void drop();
  /// Adds "Authorization: Bearer ...".
  void authorize(http::Headers& headers);

 private:
  struct Kept {
    Secret token;
    Clock::Instant read_at;
  };

  std::string path_;
  const Clock& clock_;
  ReadFile read_;
  Locked<Kept> kept_;
};

}  // namespace alphorn::kube
