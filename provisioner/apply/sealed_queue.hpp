#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "base/secret.hpp"
#include "plan/step.hpp"

namespace alphorn::apply {

/// A person whose first password is sealed and whose account may be asked for.
struct Newcomer {
  plan::CreateAccount step;
  Secret password;
};

/// Between the one who seals passwords, part by part, and those who make accounts. Thread-safe.
class SealedQueue {
 public:
  /// Waits until no more than `most` people wait for their accounts: who is sealed long before has
  /// a void page if the run ends. False when nobody takes them any more.
  bool wait_until_few(std::size_t most);
  void add(std::vector<Newcomer> part);
  /// Nobody else comes; those who wait are still taken.
  void finish();

  /// Waits for the next one. Nothing: there is none any more.
  std::optional<Newcomer> take();
  /// Nobody else is taken: the run has failed.
  void abandon();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Newcomer> waiting_;
  bool finished_ = false;
  bool abandoned_ = false;
};

}  // namespace alphorn::apply
