#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.hpp"

namespace alphorn::http {

/// Header names compare without regard to case.
struct CaseInsensitive {
  bool operator()(const std::string& left, const std::string& right) const;
};
using Headers = std::map<std::string, std::string, CaseInsensitive>;

struct Request {
  std::string method = "GET";
  std::string target;  ///< path and query, already percent-encoded: "/api/v1/pods?limit=500"
  Headers headers = {};
  std::string body = {};
  /// Names that may occur more than once.
  std::vector<std::pair<std::string, std::string>> further_headers = {};
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;
};

/// No answer was had: refused, reset, timed out, TLS failed, or stopped by the caller.
class TransportError : public std::runtime_error {
 public:
  enum class Kind { connect, tls, timeout, interrupted, stopped };
  TransportError(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

/// A way to one server. Thread-safe: any number of threads may send at once.
class Transport {
 public:
  using LineSink = std::function<void(std::string_view line)>;
  virtual ~Transport() = default;

  /// Sends and waits for the whole answer, whatever its status. Throws TransportError;
  /// a request to stop ends it within milliseconds with Kind::stopped.
  virtual Response send(const Request& request, std::stop_token stop) = 0;

  /// Sends and hands every complete line of a 2xx body to `on_line` as it arrives, on the calling
  /// thread, until the server ends the answer; the returned body is then empty. For any other
  /// status nothing is handed over and the body is returned. `idle` bounds the silence between two
  /// reads. An exception from `on_line` ends the stream and reaches the caller.
  virtual Response stream(const Request& request, const LineSink& on_line,
                          std::chrono::seconds idle, std::stop_token stop) = 0;
};

/// How to reach a server and whom to trust.
struct Endpoint {
  std::string url;                          ///< "https://10.96.0.1:443"
  std::string ca_pem = {};                  ///< trusted certificates; empty: the system's
  std::string client_certificate_pem = {};  ///< with its chain; empty: none
  Secret client_key_pem = {};
  std::string tls_server_name = {};  ///< expected in the certificate instead of the URL's host
  std::chrono::seconds timeout{30};  ///< idle time of `send`
  /// "http://[user:password@]host:port" or "socks5://...", which is given host names to resolve;
  /// empty: none, whatever the environment says.
  Secret proxy_url = {};
};

/// The real thing, over libcurl: HTTP/1.1, a kept connection for each exchange under way, blocking
/// on the calling thread alone.
std::shared_ptr<Transport> make_transport(const Endpoint& endpoint);

}  // namespace alphorn::http
