#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace alphorn::http {

/// Cuts a stream of bytes into lines ("\n" or "\r\n"); a last line without a break is not handed
/// over, since it may be the half of something. Empty lines are skipped.
class LineSplitter {
 public:
  using Sink = std::function<void(std::string_view)>;

  explicit LineSplitter(const Sink& sink) : sink_(sink) {}

  /// Throws what the sink throws, and std::length_error for a line that never ends.
  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        if (pending_.size() + bytes.size() > kLongestLine) {
          throw std::length_error("a line of the answer is longer than 64 MiB");
        }
        pending_ += bytes;
        return;
      }
      if (pending_.empty()) {
        emit(bytes.substr(0, end));
      } else {
        pending_ += bytes.substr(0, end);
        emit(pending_);
        pending_.clear();
      }
      bytes.remove_prefix(end + 1);
    }
  }

 private:
  static constexpr std::size_t kLongestLine = std::size_t{64} << 20;

  void emit(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty()) sink_(line);
  }

  const Sink& sink_;
  std::string pending_;
};

}  // namespace alphorn::http
