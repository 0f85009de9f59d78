#include "apply/pace.hpp"

#include <algorithm>

namespace alphorn::apply {
namespace {

constexpr double kStep = 1;
constexpr double kBackOff = 0.7;
/// Twice as long is what a request more costs that only waits; three times is a queue.
constexpr double kTooSlow = 3;
/// How much of the best is forgotten with each round: a machine that got slower stays so.
constexpr double kForgets = 1.05;

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

void Pace::leave(const std::string& kind, std::chrono::milliseconds took, Answer answer,
                 std::chrono::milliseconds patience) {
  {
    const std::scoped_lock lock{mutex_};
    --under_way_;
    if (answer == Answer::good) {
      ++answers_;
      Answers& alike = by_kind_[kind];
      ++alike.count;
      alike.total_ms += static_cast<double>(took.count());
      judge_round();
    } else {
      allowed_ = std::max<double>(limits_.least, allowed_ * kBackOff);
      closed_until_ = std::max(closed_until_, Clock::now() + patience);
      begin_round();
    }
  }
  changed_.notify_all();
}

void Pace::begin_round() {
  answers_ = 0;
  for (auto& [kind, answers] : by_kind_) {
    answers.count = 0;
    answers.total_ms = 0;
  }
}

void Pace::judge_round() {
  if (answers_ < static_cast<int>(allowed_)) return;
  double took = 0;
  double expected = 0;
  for (auto& [kind, answers] : by_kind_) {
    if (answers.count == 0) continue;
    // A server of one core takes n times as long for n requests: that is no slowing down.
    const double share = std::max(1.0, answers.total_ms / answers.count) / allowed_;
    answers.best_ms = answers.best_ms == 0 ? share : std::min(answers.best_ms * kForgets, share);
    took += share * answers.count;
    expected += answers.best_ms * answers.count;
  }
  begin_round();
  if (took > expected * kTooSlow) {
    allowed_ = std::max<double>(std::min<double>(limits_.few, allowed_), allowed_ * kBackOff);
  } else {
    allowed_ = std::min<double>(limits_.most, allowed_ + kStep);
  }
}

int Pace::allowed() const {
  const std::scoped_lock lock{mutex_};
  return static_cast<int>(allowed_);
}

}  // namespace alphorn::apply
