#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace alphorn::apply {

/// How many requests are under way at a time: more for as long as the server answers as fast as
/// before, fewer when it slows down or asks for patience (additive increase, multiplicative
/// decrease). Thread-safe.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    int first = 6;
    int least = 1;
    int most = 24;
  };
  explicit Pace(Limits limits) : limits_(limits), allowed_(limits.first) {}

  /// Waits for a place; false when it was stopped before there was one.
  bool enter(std::stop_token stop);

  enum class Answer { good, limited, failed };
  /// Gives the place back. After `limited` nobody enters before `patience` has passed.
  void leave(std::chrono::milliseconds took, Answer answer, std::chrono::milliseconds patience);

  int allowed() const;

 private:
  void judge_round();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  double allowed_;
  int under_way_ = 0;
  Clock::time_point closed_until_{};
  /// A round is as many answers as were allowed when it began.
  int answers_ = 0;
  double total_ms_ = 0;
  double best_ms_ = 0;  ///< shortest mean of a round, for each request under way
};

}  // namespace alphorn::apply
