#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "base/clock.hpp"
#include "base/locked.hpp"
#include "http/transport.hpp"

namespace alphorn::kube {

/// A transport whose authority, client certificate and key are read again as somebody renews them:
/// every five minutes (as client-go does), and at once when TLS fails or check_soon() was called.
/// Once they differ, new requests take new connections, sends under way end on the old ones, and
/// streams end with Kind::interrupted, so that whoever watches watches on over a new one. What
/// cannot be read or used leaves everything as it was for a minute. Thread-safe.
class ReloadingTransport final : public http::Transport {
 public:
  using Read = std::function<http::Endpoint()>;
  using Make = std::function<std::shared_ptr<http::Transport>(const http::Endpoint&)>;

  /// Throws what `read` and `make` throw. Later both are called one at a time.
  explicit ReloadingTransport(Read read, const Clock& clock = steady_clock(),
                              Make make = http::make_transport);

  /// The next request reads again first.
  void check_soon();

  http::Response send(const http::Request& request, std::stop_token stop) override;
  http::Response stream(const http::Request& request, const LineSink& on_line,
                        std::chrono::seconds idle, std::stop_token stop) override;

 private:
  using Inner = std::shared_ptr<http::Transport>;
  struct State {
    http::Endpoint endpoint;
    Inner inner;
    std::stop_source superseded;
    Clock::Instant check_at;
  };
  struct Way {
    Inner inner;
    std::stop_token superseded;
  };
  Way way();
  /// Reads again unless `failed` has been replaced already; true when it is replaced now.
  bool replaced(const Inner& failed);
  void check(State& state);

  Read read_;
  const Clock& clock_;
  Make make_;
  Locked<State> state_;
};

}  // namespace alphorn::kube
