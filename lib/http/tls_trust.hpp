#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/locked.hpp"
#include "http/transport.hpp"

namespace alphorn::http {

/// Whom a client trusts and who it is, parsed once and put into every connection's SSL_CTX.
/// Thread-safe after construction.
class TlsTrust {
 public:
  struct State;

  /// `host` is what the server's certificate must be for: a DNS name or an IP address.
  /// Throws std::invalid_argument that names the PEM at fault.
  TlsTrust(const Endpoint& endpoint, std::string host);

  /// Applies it; the context keeps what it needs alive by itself.
  void configure(SSL_CTX* context) const;

  /// Why the last refused certificate was refused ("hostname mismatch"), or "".
  std::string last_refusal() const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace alphorn::http
