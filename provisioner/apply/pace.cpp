#include "apply/pace.hpp"

#include <algorithm>

namespace alphorn::apply {
namespace {

constexpr double kStep = 1;
constexpr double kBackOff = 0.7;
/// Twice as long is what a request more costs that only waits; three times is a queue.
constexpr double kTooSlow = 3;

}  // namespace

bool Pace::enter(std::stop_token stop) {
  std::unique_lock lock{mutex_};
  while (!stop.stop_requested()) {
    const auto now = Clock::now();
    if (now < closed_until_) {
      changed_.wait_until(lock, stop, closed_until_, [] { return false; });
      continue;
    }
    if (under_way_ < static_cast<int>(allowed_)) {
      ++under_way_;
      return true;
    }
    changed_.wait(lock, stop, [this] { return under_way_ < static_cast<int>(allowed_); });
  }
  return false;
}

void Pace::leave(std::chrono::milliseconds took, Answer answer,
                 std::chrono::milliseconds patience) {
  {
    const std::scoped_lock lock{mutex_};
    --under_way_;
    if (answer == Answer::good) {
      ++answers_;
      total_ms_ += static_cast<double>(took.count());
      judge_round();
    } else {
      allowed_ = std::max<double>(limits_.least, allowed_ * kBackOff);
      closed_until_ = std::max(closed_until_, Clock::now() + patience);
      answers_ = 0;
      total_ms_ = 0;
    }
  }
  changed_.notify_all();
}

void Pace::judge_round() {
  if (answers_ < static_cast<int>(allowed_)) return;
  const double mean = std::max(1.0, total_ms_ / answers_);
  answers_ = 0;
  total_ms_ = 0;
  // A server of one core takes n times as long for n requests: that is no slowing down.
  const double share = mean / allowed_;
  best_ms_ = best_ms_ == 0 ? share : std::min(best_ms_ * 1.02, share);
  if (share > best_ms_ * kTooSlow) {
    allowed_ = std::max<double>(limits_.least, allowed_ * kBackOff);
  } else {
    allowed_ = std::min<double>(limits_.most, allowed_ + kStep);
  }
}

int Pace::allowed() const {
  const std::scoped_lock lock{mutex_};
  return static_cast<int>(allowed_);
}

}  // namespace alphorn::apply
