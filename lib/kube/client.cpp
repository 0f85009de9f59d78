#include "kube/client.hpp"

#include <prometheus/counter.h>

#include <algorithm>
#include <iterator>

#include "base/metrics.hpp"
#include "http/limited_transport.hpp"
#include "kube/requests.hpp"
#include "kube/wait.hpp"

namespace alphorn::kube {
namespace {

constexpr int kMostRetries = 10;
constexpr std::chrono::seconds kWaitAfterReset{1};
/// A server in trouble may ask for minutes; the caller's own back-off handles that better.
constexpr std::chrono::seconds kLongestWait{30};

void count(const std::string& method, const std::string& code) {
  static auto& family = prometheus::BuildCounter()
                            .Name("rest_client_requests_total")
                            .Help("Requests to the API server by method and status code")
                            .Register(*metrics());
  family.Add({{"method", method}, {"code", code}}).Increment();
}

/// How long the server asks to wait before the same request may succeed; nothing: do not retry.
std::optional<std::chrono::milliseconds> wanted_wait(const http::Response& response) {
  if (response.status != 429 && response.status < 500) return std::nullopt;
  const ApiError error = error_from_response(response);
  // The caller must ask for another version instead of waiting for this one.
  if (error.is_too_large_version()) return std::nullopt;
  if (!response.headers.contains("Retry-After") || !error.retry_after()) return std::nullopt;
  return std::min(*error.retry_after(), kLongestWait);
}

json parse_object(const http::Response& response) {
  json object = parsed_object(response.body);
  if (!object.is_object()) {
    throw ApiError(response.status, "", "the API server's answer is not a JSON object");
  }
  return object;
}

RawObject raw_object(const http::Response& response) {
  static const Cutter whole;
  try {
    return whole.cut(response.body);
  } catch (const std::runtime_error&) {
    throw ApiError(response.status, "", "the API server's answer is not a JSON object");
  }
}

}  // namespace

bool WatchEvent::is_end_of_list() const {
  if (type != Type::bookmark) return false;
  const json annotations = at_path(object.read(), "metadata/annotations");
  return annotations.is_object() && annotations.value("k8s.io/initial-events-end", "") == "true";
}

Client::Client(std::shared_ptr<http::Transport> transport, Authorize authorize)
    : Client(std::move(transport), std::move(authorize), Environment{}) {}

Client::Client(std::shared_ptr<http::Transport> transport, Authorize authorize,
               Environment environment)
    : transport_(std::move(transport)),
      authorize_(std::move(authorize)),
      environment_(std::move(environment)) {
  if (!environment_.wait) environment_.wait = wait_for;
}

void Client::authorize(http::Request& request) const {
  request.headers["User-Agent"] = kUserAgent;
  if (authorize_) authorize_(request.headers);
}

std::shared_ptr<Client> Client::guarded(std::function<bool()> may_write) const {
  Environment environment = environment_;
  environment.may_write = std::move(may_write);
  return std::make_shared<Client>(transport_, authorize_, std::move(environment));
}

std::shared_ptr<Client> Client::limited(int most) const {
  return std::make_shared<Client>(http::limited(transport_, most), authorize_, environment_);
}

http::Response Client::send(http::Request request, std::stop_token stop) const {
  bool credentials_dropped = false;
  for (int retries = 0;; ++retries) {
    authorize(request);
    if (request.method != "GET" && environment_.may_write && !environment_.may_write()) {
      throw http::TransportError(http::TransportError::Kind::stopped,
                                 request.method + ": this process may not write any more");
    }
    std::optional<std::chrono::milliseconds> wait;
    try {
      http::Response response = transport_->send(request, stop);
      count(request.method, std::to_string(response.status));
      if (response.status == 401 && environment_.unauthorized) {
        environment_.unauthorized();
        if (std::exchange(credentials_dropped, true)) return response;
        continue;
      }
      wait = wanted_wait(response);
      if (!wait || retries == kMostRetries) return response;
    } catch (const http::TransportError& error) {
      count(request.method, "<error>");
      // A read that broke off may be asked again; whether a write took effect is unknown.
      const bool again = request.method == "GET" && retries < kMostRetries &&
                         error.kind() == http::TransportError::Kind::interrupted;
      if (!again) throw;
      wait = kWaitAfterReset;
    }
    environment_.wait(*wait, stop);
    if (stop.stop_requested()) {
      throw http::TransportError(http::TransportError::Kind::stopped,
                                 request.method + ": stopped while waiting to retry");
    }
  }
}

std::optional<json> Client::get(const ObjectRef& object, std::stop_token stop) const {
  const http::Response response = send(requests::get(object), stop);
  if (response.status == 404) return std::nullopt;
  throw_if_failed(response);
  return parse_object(response);
}

ObjectList Client::list(const Kind& kind, const ListOptions& options, std::stop_token stop,
                        const Cutter& cutter) const {
  ListOptions asked = options;
  ObjectList result;
  std::string token;
  while (true) {
    const http::Response response = send(requests::list(kind, asked, token), stop);
    if (response.status == 410 && !token.empty()) {
      // The pages' common version is gone: what was read is of no use, one whole answer is.
      asked.limit = 0;
      token.clear();
      result.items.clear();
      continue;
    }
    throw_if_failed(response);
    Cutter::Page page = cutter.cut_page(response.body, kind);
    result.resource_version = page.resource_version;
    token = page.next;
    std::move(page.items.begin(), page.items.end(), std::back_inserter(result.items));
    if (token.empty()) return result;
  }
}

void Client::watch(const Kind& kind, const WatchOptions& options,
                   const std::function<void(WatchEvent)>& on_event, std::stop_token stop,
                   const Cutter& cutter) const {
  http::Request request = requests::watch(kind, options);
  authorize(request);
  const auto idle = std::min(options.idle, options.timeout + std::chrono::seconds{5});
  const http::Response response = transport_->stream(
      request, [&](std::string_view line) { on_event(requests::watch_event(line, cutter, kind)); },
      idle, stop);
  count("WATCH", std::to_string(response.status));
  if (response.status == 401 && environment_.unauthorized) environment_.unauthorized();
  throw_if_failed(response);
}

RawObject Client::apply(const Kind& kind, const json& manifest, const ApplyOptions& options,
                        std::stop_token stop) const {
  const http::Response response = send(requests::apply(kind, manifest, options), stop);
  throw_if_failed(response);
  return raw_object(response);
}

RawObject Client::create(const Kind& kind, const json& manifest, DryRun dry_run,
                         std::stop_token stop) const {
  const http::Response response = send(requests::create(kind, manifest, dry_run), stop);
  throw_if_failed(response);
  return raw_object(response);
}

RawObject Client::replace(const Kind& kind, const json& manifest, std::stop_token stop) const {
  const http::Response response = send(requests::replace(kind, manifest), stop);
  throw_if_failed(response);
  return raw_object(response);
}

RawObject Client::merge(const Kind& kind, const json& patch, std::stop_token stop) const {
  const http::Response response = send(requests::merge(kind, patch), stop);
  throw_if_failed(response);
  return raw_object(response);
}

void Client::remove(const ObjectRef& object, const Preconditions& preconditions,
                    std::stop_token stop) const {
  const http::Response response = send(requests::remove(object, preconditions), stop);
  if (response.status != 404) throw_if_failed(response);
}

}  // namespace alphorn::kube
