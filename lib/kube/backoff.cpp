#include "kube/backoff.hpp"

#include <algorithm>
#include <random>

namespace alphorn::kube {
namespace {

constexpr std::chrono::milliseconds kFirst{800};
constexpr std::chrono::milliseconds kLongest{30000};
constexpr std::chrono::minutes kHealthy{2};

}  // namespace

double random_fraction() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>{0.0, 1.0}(generator);
}

Backoff::Backoff(const Clock& clock, std::function<double()> random)
    : clock_(clock), random_(std::move(random)), delay_(kFirst), last_(clock.now()) {}

std::chrono::milliseconds Backoff::next() {
  const auto now = clock_.now();
  if (now - last_ > kHealthy) reset();
  const auto base = delay_;
  delay_ = std::min(delay_ * 2, kLongest);
  const auto stretched =
      base + std::chrono::duration_cast<std::chrono::milliseconds>(base * random_());
  // The wait itself is no healthy time.
  last_ = now + stretched;
  return stretched;
}

void Backoff::reset() { delay_ = kFirst; }

}  // namespace alphorn::kube
