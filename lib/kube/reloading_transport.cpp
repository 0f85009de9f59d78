#include "kube/reloading_transport.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace alphorn::kube {
namespace {

constexpr std::chrono::minutes kCheckAfter{5};
constexpr std::chrono::minutes kCheckAfterFailure{1};

using Kind = http::TransportError::Kind;

bool same_identity(const http::Endpoint& left, const http::Endpoint& right) {
  return left.ca_pem == right.ca_pem &&
         left.client_certificate_pem == right.client_certificate_pem &&
         left.client_key_pem.reveal() == right.client_key_pem.reveal();
}

}  // namespace

ReloadingTransport::ReloadingTransport(Read read, const Clock& clock, Make make)
    : read_(std::move(read)), clock_(clock), make_(std::move(make)) {
  state_.with([this](State& state) {
    state.endpoint = read_();
    state.inner = make_(state.endpoint);
    state.check_at = clock_.now() + kCheckAfter;
  });
}

void ReloadingTransport::check_soon() {
  state_.with([this](State& state) { state.check_at = clock_.now(); });
}

void ReloadingTransport::check(State& state) {
  state.check_at = clock_.now() + kCheckAfter;
  try {
    const http::Endpoint fresh = read_();
    if (same_identity(fresh, state.endpoint)) return;
    // Only who we are and whom we trust may change under way; the server and the way to it stay.
    http::Endpoint next = state.endpoint;
    next.ca_pem = fresh.ca_pem;
    next.client_certificate_pem = fresh.client_certificate_pem;
    next.client_key_pem = fresh.client_key_pem;
    state.inner = make_(next);
    state.endpoint = std::move(next);
  } catch (const std::exception& error) {  // halfway through a renewal, perhaps
    spdlog::warn("the certificates for the API server stay as they were: {}", error.what());
    state.check_at = clock_.now() + kCheckAfterFailure;
    return;
  }
  spdlog::info("the certificates for the API server were renewed");
  std::exchange(state.superseded, std::stop_source{}).request_stop();
}

ReloadingTransport::Way ReloadingTransport::way() {
  return state_.with([this](State& state) {
    if (clock_.now() >= state.check_at) check(state);
    return Way{state.inner, state.superseded.get_token()};
  });
}

bool ReloadingTransport::replaced(const Inner& failed) {
  return state_.with([&](State& state) {
    if (state.inner == failed) check(state);
    return state.inner != failed;
  });
}

http::Response ReloadingTransport::send(const http::Request& request, std::stop_token stop) {
  const Inner inner = way().inner;
  try {
    return inner->send(request, stop);
  } catch (const http::TransportError& error) {
    // Without TLS nothing was sent, so it may be sent again.
    if (error.kind() != Kind::tls || !replaced(inner)) throw;
  }
  return way().inner->send(request, stop);
}

http::Response ReloadingTransport::stream(const http::Request& request, const LineSink& on_line,
                                          std::chrono::seconds idle, std::stop_token stop) {
  const Way taken = way();
  std::stop_source either;
  const auto end = [&either] { either.request_stop(); };
  const std::stop_callback on_stop{stop, end};
  const std::stop_callback on_superseded{taken.superseded, end};
  try {
    return taken.inner->stream(request, on_line, idle, either.get_token());
  } catch (const http::TransportError& error) {
    if (error.kind() == Kind::tls) replaced(taken.inner);
    if (error.kind() != Kind::stopped || stop.stop_requested()) throw;
    throw http::TransportError(Kind::interrupted, "the certificates were renewed");
  }
}

}  // namespace alphorn::kube
