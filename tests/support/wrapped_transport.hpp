#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/locked.hpp"
#include "http/transport.hpp"

namespace alphorn::test {

/// A real transport whose requests can be changed and whose streams can be cut, as a network does.
class WrappedTransport final : public http::Transport {
 public:
  explicit WrappedTransport(std::shared_ptr<http::Transport> inner) : inner_(std::move(inner)) {}

  /// Called with every request before it is sent; may throw.
  std::function<void(http::Request&)> on_request = [](http::Request&) {};

  /// Ends the streams under way with Kind::interrupted.
  void cut() {
    cut_.with([](std::stop_source& source) {
      source.request_stop();
      source = std::stop_source{};
    });
  }

  http::Response send(const http::Request& request, std::stop_token stop) override {
    http::Request changed = request;
    on_request(changed);
    return inner_->send(changed, stop);
  }

  http::Response stream(const http::Request& request, const LineSink& on_line,
                        std::chrono::seconds idle, std::stop_token stop) override {
    http::Request changed = request;
    on_request(changed);
    std::stop_source either = cut_.with([](const std::stop_source& source) { return source; });
    const std::stop_callback forward{stop, [&] { either.request_stop(); }};
    try {
      return inner_->stream(changed, on_line, idle, either.get_token());
    } catch (const http::TransportError& error) {
      if (stop.stop_requested() || error.kind() != http::TransportError::Kind::stopped) throw;
      throw http::TransportError(http::TransportError::Kind::interrupted, "cut by the test");
    }
  }

 private:
  std::shared_ptr<http::Transport> inner_;
  Locked<std::stop_source> cut_;
};

}  // namespace alphorn::test
