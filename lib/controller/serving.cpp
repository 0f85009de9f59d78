#include "controller/serving.hpp"

#include <CivetServer.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "base/metrics.hpp"

namespace alphorn::controller {
namespace {

void answer(mg_connection* connection, const char* status, const char* type,
            const std::string& body) {
  mg_printf(connection,
            "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
            "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
            status, type, body.size());
  mg_write(connection, body.data(), body.size());
}

class MetricsHandler final : public CivetHandler {
 public:
  using More = std::function<std::vector<prometheus::MetricFamily>()>;
  explicit MetricsHandler(More more) : more_(std::move(more)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    std::vector<prometheus::MetricFamily> families = metrics()->Collect();
    if (more_) std::ranges::move(more_(), std::back_inserter(families));
    answer(connection, "200 OK", "text/plain; version=0.0.4; charset=utf-8",
           prometheus::TextSerializer{}.Serialize(families));
    return true;
  }

 private:
  More more_;
};

class CheckHandler final : public CivetHandler {
 public:
  explicit CheckHandler(std::function<std::string()> check) : check_(std::move(check)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    const std::string problem = run();
    if (problem.empty()) {
      answer(connection, "200 OK", "text/plain", "ok\n");
    } else {
      answer(connection, "503 Service Unavailable", "text/plain", problem + "\n");
    }
    return true;
  }

 private:
  std::string run() const {
    try {
      return check_ ? check_() : "";
    } catch (const std::exception& error) {  // must not unwind into the C server
      return error.what();
    }
  }

  std::function<std::string()> check_;
};

std::unique_ptr<CivetServer> listen(int port) {
  const std::vector<std::string> common{"num_threads", "4", "request_timeout_ms", "10000",
                                        "listening_ports"};
  // "+" listens on IPv4 and IPv6; a machine without IPv6 refuses that.
  for (const char* prefix : {"+", ""}) {
    std::vector<std::string> options = common;
    options.push_back(prefix + std::to_string(port));
    try {
      return std::make_unique<CivetServer>(options);
    } catch (const CivetException&) {
      continue;
    }
  }
  throw std::runtime_error("cannot listen on port " + std::to_string(port) +
                           " for metrics and probes: is it taken?");
}

}  // namespace

struct Serving::State {
  MetricsHandler metrics;
  CheckHandler live;
  CheckHandler ready;
  std::unique_ptr<CivetServer> server;  // last: stops before its handlers go
};

Serving::Serving(const Options& options)
    : state_(new State{MetricsHandler{options.more_metrics}, CheckHandler{options.live},
                       CheckHandler{options.ready}, listen(options.port)}) {
  state_->server->addHandler("/metrics", state_->metrics);
  state_->server->addHandler("/livez", state_->live);
  state_->server->addHandler("/readyz", state_->ready);
}

Serving::~Serving() = default;

int Serving::port() const { return state_->server->getListeningPorts().front(); }

}  // namespace alphorn::controller
