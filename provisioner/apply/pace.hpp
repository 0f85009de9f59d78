#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

namespace alphorn::apply {

/// How many requests are under way at a time: more for as long as the server answers requests of
/// their kind as fast as before, fewer when it slows down or asks for patience (additive increase,
/// multiplicative decrease). Thread-safe.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    int first = 6;
    int least = 1;
    /// Slowness alone leaves so many: one at a time, a server waits for its database and looks as
    /// slow as one that has too much to do.
    int few = 4;
    int most = 24;
  };
  explicit Pace(Limits limits) : limits_(limits), allowed_(limits.first) {}

  /// Waits for a place; false when it was stopped before there was one.
  bool enter(std::stop_token stop);

  enum class Answer { good, limited, failed };
  /// Gives the place back. Requests of one `kind` cost the server about the same. After `limited`
  /// nobody enters before `patience` has passed.
  void leave(const std::string& kind, std::chrono::milliseconds took, Answer answer,
             std::chrono::milliseconds patience);

  int allowed() const;

 private:
  struct Answers {
    int count = 0;  ///< in this round
    double total_ms = 0;
    double best_ms = 0;  ///< shortest mean of a round, for each request under way
  };
  void begin_round();
  void judge_round();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  double allowed_;
  int under_way_ = 0;
  Clock::time_point closed_until_{};
  /// A round is as many answers as were allowed when it began.
  int answers_ = 0;
  std::map<std::string, Answers> by_kind_;
};

}  // namespace alphorn::apply
