// The one file that knows cpprestsdk and pplx; replacing the library means replacing this file.
#include <cpprest/http_client.h>
#include <cpprest/rawptrstream.h>
#include <pplx/threadpool.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include "http/line_splitter.hpp"
#include "http/tls_trust.hpp"
#include "http/transport.hpp"

namespace alphorn::http {
namespace {

using boost::asio::ip::tcp;
namespace rest = web::http;

/// Turns on TCP keep-alive (30 s idle, then 5 probes 5 s apart): a peer that died without a word is
/// noticed below HTTP. cpprestsdk hands over sockets that are not open yet; only for an address is
/// it known which family to open, and in a cluster the API server is always an address.
class KeepAlive {
 public:
  explicit KeepAlive(const std::string& host) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(host, error);
    if (error) return;
    family_ = address.is_v4() ? tcp::v4() : tcp::v6();
    known_ = true;
  }

  void set_on(tcp::socket& socket) const {
    boost::system::error_code error;
    if (!socket.is_open()) {
      if (!known_) return;
      socket.open(family_, error);
      if (error) return;
    }
    using Integer = boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
    using Interval = boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
    using Count = boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
    socket.set_option(boost::asio::socket_base::keep_alive(true), error);
    socket.set_option(Integer(30), error);
    socket.set_option(Interval(5), error);
    socket.set_option(Count(5), error);
  }

 private:
  tcp family_ = tcp::v4();
  bool known_ = false;
};

rest::http_request to_cpprest(const Request& request) {
  rest::http_request out{request.method};
  out.set_request_uri(web::uri{request.target});
  for (const auto& [name, value] : request.headers) out.headers().add(name, value);
  if (!request.body.empty()) {
    const auto type = request.headers.find("Content-Type");
    out.set_body(request.body, type == request.headers.end() ? "application/json" : type->second);
  }
  return out;
}

std::string read_body(rest::http_response& response) {
  const std::vector<unsigned char> bytes = response.extract_vector().get();
  return {bytes.begin(), bytes.end()};
}

Response head_of(const rest::http_response& response) {
  Response out;
  out.status = response.status_code();
  for (const auto& [name, value] : response.headers()) out.headers.emplace(name, value);
  return out;
}

class CpprestTransport final : public Transport {
 public:
  explicit CpprestTransport(const Endpoint& endpoint)
      : url_(endpoint.url),
        host_(host_of(endpoint.url)),
        secure_(endpoint.url.starts_with("https:")),
        trust_(endpoint, endpoint.tls_server_name.empty() ? host_ : endpoint.tls_server_name),
        keep_alive_(host_),
        client_(url_, config(endpoint.timeout)) {}

  Response send(const Request& request, std::stop_token stop) override {
    return guarded(request, stop, [&](const pplx::cancellation_token& cancel) {
      rest::http_response answer = client_.request(to_cpprest(request), cancel).get();
      Response response = head_of(answer);
      response.body = read_body(answer);
      return response;
    });
  }

  Response stream(const Request& request, const LineSink& on_line, std::chrono::seconds idle,
                  std::stop_token stop) override {
    std::exception_ptr from_sink;
    const LineSink sink = [&](std::string_view line) {
      try {
        on_line(line);
      } catch (...) {  // kept apart from the errors of the connection, and rethrown below
        from_sink = std::current_exception();
        throw;
      }
    };
    try {
      return guarded(request, stop, [&](const pplx::cancellation_token& cancel) {
        // The idle time is per client in cpprestsdk, so a stream has its own client.
        rest::client::http_client client{url_, config(idle)};
        rest::http_response answer = client.request(to_cpprest(request), cancel).get();
        Response response = head_of(answer);
        if (response.status < 200 || response.status > 299) {
          response.body = read_body(answer);
        } else {
          pump_lines(answer, sink);
        }
        return response;
      });
    } catch (...) {
      if (from_sink) std::rethrow_exception(from_sink);
      throw;
    }
  }

 private:
  static std::string host_of(const std::string& url) {
    std::string host;
    try {
      host = web::uri{url}.host();
    } catch (const std::exception&) {
      host.clear();
    }
    if (host.empty()) throw std::invalid_argument("\"" + url + "\" is no http or https URL");
    if (host.front() == '[') return host.substr(1, host.size() - 2);
    return host;
  }

  template <typename Timeout>
  rest::client::http_client_config config(Timeout timeout) const {
    rest::client::http_client_config config;
    config.set_timeout(timeout);
    config.set_max_redirects(0);  // a redirect would carry credentials to another server
    config.set_proxy(web::web_proxy{web::web_proxy::disabled});
    config.set_tlsext_sni_enabled(false);  // TlsTrust names the server
    config.set_ssl_context_callback([trust = trust_](boost::asio::ssl::context& context) {
      trust.configure(context.native_handle());
    });
    config.set_nativehandle_options(
        [keep_alive = keep_alive_, secure = secure_](rest::client::native_handle handle) {
          using Secured = boost::asio::ssl::stream<tcp::socket&>;
          keep_alive.set_on(secure ? static_cast<Secured*>(handle)->next_layer()
                                   : *static_cast<tcp::socket*>(handle));
        });
    return config;
  }

  /// Hands over lines as bytes arrive. Leaving early, by an exception, closes the connection
  /// through the cancellation in guarded().
  static void pump_lines(rest::http_response& answer, const LineSink& sink) {
    LineSplitter splitter{sink};
    auto source = answer.body().streambuf();
    std::vector<unsigned char> bytes(std::size_t{64} << 10);
    // getc() waits for one byte; a read of many would wait until all of them are there.
    while (source.getc().get() != decltype(source)::traits::eof()) {
      const std::size_t ready = std::min(source.in_avail(), bytes.size());
      const std::size_t count = source.getn(bytes.data(), ready).get();
      splitter.feed({reinterpret_cast<const char*>(bytes.data()), count});
    }
    answer.content_ready().get();  // throws when the body ended by a failure
  }

  /// Cancels an exchange that is left by any exception: else its connection would stay open until
  /// its idle time is over, reading for a caller that is gone.
  class Abandonment {
   public:
    explicit Abandonment(pplx::cancellation_token_source& cancel) : cancel_(cancel) {}
    Abandonment(const Abandonment&) = delete;
    Abandonment& operator=(const Abandonment&) = delete;
    ~Abandonment() {
      if (std::uncaught_exceptions() > before_) cancel_.cancel();
    }

   private:
    pplx::cancellation_token_source& cancel_;
    int before_ = std::uncaught_exceptions();
  };

  template <typename Exchange>
  Response guarded(const Request& request, const std::stop_token& stop, const Exchange& exchange) {
    if (stop.stop_requested()) throw failure(TransportError::Kind::stopped, request, "stopped");
    pplx::cancellation_token_source cancel;
    const std::stop_callback on_stop{stop, [&] { cancel.cancel(); }};
    try {
      const Abandonment abandonment{cancel};
      return exchange(cancel.get_token());
    } catch (const std::exception& error) {
      if (stop.stop_requested()) throw failure(TransportError::Kind::stopped, request, "stopped");
      throw translated(request, error);
    }
  }

  TransportError translated(const Request& request, const std::exception& error) const {
    using Kind = TransportError::Kind;
    const std::string what = error.what();
    const auto says = [&](const char* part) { return what.find(part) != std::string::npos; };
    if (says("SSL") || says("certificate verify")) {
      const std::string why = trust_.last_refusal();
      return failure(Kind::tls, request, "TLS failed: " + (why.empty() ? what : why));
    }
    if (says("Failed to connect") || says("resolving"))
      return failure(Kind::connect, request, what);
    const auto* http_error = dynamic_cast<const rest::http_exception*>(&error);
    if (says("timed out") || says("timeout") ||
        (http_error != nullptr && http_error->error_code() == std::errc::timed_out)) {
      return failure(Kind::timeout, request, what);
    }
    return failure(Kind::interrupted, request, what);
  }

  /// Names the server and the path; never the query or the headers, which may carry a secret.
  TransportError failure(TransportError::Kind kind, const Request& request,
                         const std::string& what) const {
    const std::string path = request.target.substr(0, request.target.find('?'));
    return {kind, request.method + " " + url_ + path + ": " + what};
  }

  std::string url_;
  std::string host_;
  bool secure_;
  TlsTrust trust_;
  KeepAlive keep_alive_;
  rest::client::http_client client_;
};

}  // namespace

std::shared_ptr<Transport> make_transport(const Endpoint& endpoint) {
  return std::make_shared<CpprestTransport>(endpoint);
}

void use_io_threads(std::size_t count) { crossplat::threadpool::initialize_with_threads(count); }

}  // namespace alphorn::http
