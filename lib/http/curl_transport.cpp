// The one file that knows libcurl; replacing the library means replacing this file.
#include <curl/curl.h>

#include <array>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/freed.hpp"
#include "base/locked.hpp"
#include "http/line_splitter.hpp"
#include "http/tls_trust.hpp"
#include "http/transport.hpp"

namespace alphorn::http {
namespace {

using std::chrono::milliseconds;
using Kind = TransportError::Kind;

using Easy = std::unique_ptr<CURL, Freed<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, Freed<curl_multi_cleanup>>;
using List = std::unique_ptr<curl_slist, Freed<curl_slist_free_all>>;

void initialize_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::bad_alloc();
  });
}

class ParsedUrl {
 public:
  explicit ParsedUrl(const std::string& text, unsigned flags = 0)
      : url_(curl_url()),
        parsed_(curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), flags) == CURLUE_OK) {}

  /// "" when it is absent, or the text is no URL.
  std::string part(CURLUPart which, unsigned flags = 0) const {
    char* found = nullptr;
    if (!parsed_ || curl_url_get(url_.get(), which, &found, flags) != CURLUE_OK) return "";
    std::string value{found};
    curl_free(found);
    return value;
  }

 private:
  std::unique_ptr<CURLU, Freed<curl_url_cleanup>> url_;
  bool parsed_;
};

/// The host of an http or https URL, without brackets. Throws std::invalid_argument.
std::string host_of(const std::string& text) {
  const ParsedUrl url{text};
  const std::string scheme = url.part(CURLUPART_SCHEME);
  std::string host = url.part(CURLUPART_HOST);
  if (host.empty() || (scheme != "http" && scheme != "https")) {
    throw std::invalid_argument("\"" + text + "\" is no http or https URL");
  }
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  return host;
}

struct Proxy {
  std::string server;  ///< in libcurl's notation; "" for none
  Secret user;
  Secret password;
};

/// Taken apart here: libcurl would quote a URL that it cannot parse, with the password in it.
/// Throws std::invalid_argument.
Proxy proxy_of(const Endpoint& endpoint) {
  if (endpoint.proxy_url.empty()) return {};
  const ParsedUrl url{endpoint.proxy_url.reveal(), CURLU_NON_SUPPORT_SCHEME};
  const std::string scheme = url.part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "socks5") {
    throw std::invalid_argument("the proxy's URL is none that begins with http:// or socks5://");
  }
  const std::string port = url.part(CURLUPART_PORT);
  const bool is_http = scheme == "http";
  return {.server = (is_http ? "http://" : "socks5h://") + url.part(CURLUPART_HOST) + ":" +
                    (!port.empty() ? port
                     : is_http     ? "80"
                                   : "1080"),
          .user = Secret{url.part(CURLUPART_USER, CURLU_URLDECODE)},
          .password = Secret{url.part(CURLUPART_PASSWORD, CURLU_URLDECODE)}};
}

/// A line break in a header would end all headers that follow it. Throws std::invalid_argument.
void check_header(const std::string& name, const std::string& value) {
  constexpr std::string_view kForbidden{"\r\n\0", 3};
  if ((name + value).find_first_of(kForbidden) != std::string::npos) {
    throw std::invalid_argument("the header " + name.substr(0, name.find_first_of(kForbidden)) +
                                " holds a line break");
  }
}

/// As libcurl wants it: an empty value has a spelling of its own; a colon would remove the header.
std::string header_line(const std::string& name, const std::string& value) {
  return value.empty() ? name + ";" : name + ": " + value;
}

Kind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
      return Kind::connect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
      return Kind::tls;
    case CURLE_OPERATION_TIMEDOUT:
      return Kind::timeout;
    default:
      return Kind::interrupted;
  }
}

/// Something that makes exchanges, one at a time, and keeps its connection for the next.
class Lane {
 public:
  Lane() : multi_(curl_multi_init()), easy_(curl_easy_init()) {
    if (!multi_ || !easy_) throw std::bad_alloc();
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 1L);
  }

  CURL* easy() { return easy_.get(); }
  CURLM* multi() { return multi_.get(); }

 private:
  Multi multi_;  // outlives what runs in it
  Easy easy_;
};

/// One request under way: what libcurl calls back.
class Exchange {
 public:
  /// Without a sink the whole body is kept.
  Exchange(Lane& lane, const Transport::LineSink* sink) : lane_(lane) {
    if (sink != nullptr) splitter_.emplace(*sink);
    CURL* easy = lane_.easy();
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, problem_.data());
  }

  enum class End { answered, failed, idle, stopped };

  /// Blocks until it is over. What the sink throws is rethrown.
  End run(milliseconds idle, const std::stop_token& stop) {
    CURLM* multi = lane_.multi();
    // Declared before the handle is added, so that it is taken out before the callback's end.
    const std::stop_callback on_stop{stop, [multi] { curl_multi_wakeup(multi); }};
    curl_multi_add_handle(multi, lane_.easy());
    active_at_ = steady_clock().now();
    End end = End::stopped;
    while (!stop.stop_requested()) {
      int running = 0;
      curl_multi_perform(multi, &running);
      if (running == 0) {
        end = result() == CURLE_OK ? End::answered : End::failed;
        break;
      }
      const auto left = active_at_ + idle - steady_clock().now();
      if (left <= Clock::Instant::duration::zero()) {
        end = End::idle;
        break;
      }
      const auto wait = std::chrono::ceil<milliseconds>(left).count();
      curl_multi_poll(multi, nullptr, 0, static_cast<int>(std::min<std::int64_t>(wait, 60000)),
                      nullptr);
    }
    curl_multi_remove_handle(multi, lane_.easy());
    if (from_sink_) std::rethrow_exception(from_sink_);
    return end;
  }

  Response take() {
    long status = 0;
    curl_easy_getinfo(lane_.easy(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    return std::move(response_);
  }
  /// Why no answer was had.
  Kind failure() const {
    long from_proxy = 0;
    curl_easy_getinfo(lane_.easy(), CURLINFO_HTTP_CONNECTCODE, &from_proxy);
    return from_proxy >= 300 ? Kind::connect : kind_of(code_);
  }
  std::string problem() const {
    return problem_[0] == '\0' ? curl_easy_strerror(code_) : problem_.data();
  }
  bool is_connected() const {
    long connections = 0;
    curl_off_t connected = 0;
    curl_easy_getinfo(lane_.easy(), CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_getinfo(lane_.easy(), CURLINFO_CONNECT_TIME_T, &connected);
    return connections == 0 || connected > 0;
  }

 private:
  CURLcode result() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(lane_.multi(), &left)) {
      if (message->msg == CURLMSG_DONE) code_ = message->data.result;
    }
    return code_;
  }

  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    exchange.active_at_ = steady_clock().now();
    std::string_view line{data, size};
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
    // A status line: what came before belonged to an interim answer or to a proxy.
    if (line.starts_with("HTTP/")) exchange.response_.headers.clear();
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && colon > 0) {
      std::string_view value = line.substr(colon + 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      exchange.response_.headers.emplace(line.substr(0, colon), value);
    }
    return size;
  }

  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    exchange.active_at_ = steady_clock().now();
    return exchange.take_in({data, size}) ? size : 0;
  }

  bool take_in(std::string_view bytes) {
    if (!streams_) {
      long status = 0;
      curl_easy_getinfo(lane_.easy(), CURLINFO_RESPONSE_CODE, &status);
      streams_ = splitter_.has_value() && status >= 200 && status <= 299;
    }
    if (!*streams_) {
      response_.body.append(bytes);
      return true;
    }
    try {
      splitter_->feed(bytes);
      return true;
    } catch (...) {  // must not pass through libcurl; rethrown by run()
      from_sink_ = std::current_exception();
      return false;
    }
  }

  Lane& lane_;
  std::optional<LineSplitter> splitter_;
  std::optional<bool> streams_;
  Response response_;
  std::exception_ptr from_sink_;
  Clock::Instant active_at_{};
  CURLcode code_ = CURLE_OK;
  std::array<char, CURL_ERROR_SIZE> problem_{};
};

class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(const Endpoint& endpoint)
      : url_(endpoint.url),
        timeout_(endpoint.timeout),
        system_roots_(endpoint.ca_pem.empty()),
        proxy_(proxy_of(endpoint)),
        trust_(endpoint, endpoint.tls_server_name.empty() ? host_of(endpoint.url)
                                                          : endpoint.tls_server_name) {
    initialize_library();
  }

  Response send(const Request& request, std::stop_token stop) override {
    return exchange(request, nullptr, timeout_, stop);
  }

  Response stream(const Request& request, const LineSink& on_line, std::chrono::seconds idle,
                  std::stop_token stop) override {
    return exchange(request, &on_line, idle, stop);
  }

 private:
  Response exchange(const Request& request, const LineSink* sink, std::chrono::seconds idle,
                    const std::stop_token& stop) {
    if (stop.stop_requested()) throw failure(Kind::stopped, request, "stopped");
    std::unique_ptr<Lane> lane = take_lane();
    const List headers = prepare(*lane, request);
    Exchange exchange{*lane, sink};
    switch (exchange.run(idle, stop)) {
      case Exchange::End::answered: {
        Response response = exchange.take();
        give_back(std::move(lane));
        return response;
      }
      case Exchange::End::stopped:
        throw failure(Kind::stopped, request, "stopped");
      case Exchange::End::idle: {
        const bool connected = exchange.is_connected();
        throw failure(connected ? Kind::timeout : Kind::connect, request,
                      (connected ? "no answer for " : "no connection within ") +
                          std::to_string(idle.count()) + " s");
      }
      case Exchange::End::failed:
        break;
    }
    const Kind kind = exchange.failure();
    const std::string why = kind == Kind::tls ? trust_.last_refusal() : "";
    throw failure(kind, request,
                  kind == Kind::tls ? "TLS failed: " + (why.empty() ? exchange.problem() : why)
                                    : exchange.problem());
  }

  /// An idle one with its open connection, or a new one. A lane whose exchange failed is not given
  /// back: its connection ends with it.
  std::unique_ptr<Lane> take_lane() {
    std::unique_ptr<Lane> lane = idle_.with([](auto& lanes) {
      if (lanes.empty()) return std::unique_ptr<Lane>{};
      std::unique_ptr<Lane> last = std::move(lanes.back());
      lanes.pop_back();
      return last;
    });
    if (lane) return lane;
    lane = std::make_unique<Lane>();
    CURL* easy = lane->easy();
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    // Neither a proxy nor an exception from it comes from the environment.
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy_.server.c_str());
    if (!proxy_.user.empty()) {
      curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, proxy_.user.reveal().c_str());
      curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, proxy_.password.reveal().c_str());
    }
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    // Redirects stay off: one would carry credentials to another server.
    // A peer that died without a word is noticed below HTTP: 30 s idle, then 5 probes 5 s apart.
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 5L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 64L << 10);
    if (!system_roots_) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
      curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
    // TlsTrust checks the name, which need not be the URL's.
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, configure_tls);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &trust_);
    return lane;
  }

  void give_back(std::unique_ptr<Lane> lane) {
    idle_.with([&](auto& lanes) {
      if (lanes.size() < kMostIdle) lanes.push_back(std::move(lane));
    });
  }

  static CURLcode configure_tls(CURL*, void* context, void* trust) {
    static_cast<const TlsTrust*>(trust)->configure(static_cast<SSL_CTX*>(context));
    return CURLE_OK;
  }

  List prepare(Lane& lane, const Request& request) const {
    CURL* easy = lane.easy();
    curl_easy_setopt(easy, CURLOPT_URL, (url_ + request.target).c_str());
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    for (const auto& [name, value] : request.headers) check_header(name, value);
    for (const auto& [name, value] : request.further_headers) check_header(name, value);
    curl_slist* list = nullptr;
    // Both would be added by libcurl itself: a wait for "100 Continue", and a type for forms.
    list = curl_slist_append(list, "Expect:");
    if (request.body.empty()) {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
      if (!request.headers.contains("Content-Type")) {
        list = curl_slist_append(list, "Content-Type: application/json");
      }
    }
    curl_easy_setopt(easy, CURLOPT_NOBODY, request.method == "HEAD" ? 1L : 0L);
    for (const auto& [name, value] : request.headers) {
      list = curl_slist_append(list, header_line(name, value).c_str());
    }
    for (const auto& [name, value] : request.further_headers) {
      list = curl_slist_append(list, header_line(name, value).c_str());
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    return List{list};
  }

  /// Names the server and the path; never the query or the headers, which may carry a secret.
  TransportError failure(Kind kind, const Request& request, const std::string& what) const {
    const std::string path = request.target.substr(0, request.target.find('?'));
    return {kind, request.method + " " + url_ + path + ": " + what};
  }

  static constexpr std::size_t kMostIdle = 32;

  std::string url_;
  std::chrono::seconds timeout_;
  bool system_roots_;
  Proxy proxy_;
  TlsTrust trust_;
  Locked<std::vector<std::unique_ptr<Lane>>> idle_;
};

}  // namespace

std::shared_ptr<Transport> make_transport(const Endpoint& endpoint) {
  return std::make_shared<CurlTransport>(endpoint);
}

}  // namespace alphorn::http
