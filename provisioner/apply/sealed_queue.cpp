#include "apply/sealed_queue.hpp"

#include <iterator>
#include <utility>

namespace alphorn::apply {

bool SealedQueue::wait_until_few(std::size_t most) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return abandoned_ || waiting_.size() <= most; });
  return !abandoned_;
}

void SealedQueue::add(std::vector<Newcomer> part) {
  {
    const std::scoped_lock lock{mutex_};
    waiting_.insert(waiting_.end(), std::make_move_iterator(part.begin()),
                    std::make_move_iterator(part.end()));
  }
  changed_.notify_all();
}

void SealedQueue::finish() {
  {
    const std::scoped_lock lock{mutex_};
    finished_ = true;
  }
  changed_.notify_all();
}

std::optional<Newcomer> SealedQueue::take() {
  std::optional<Newcomer> next;
  {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return abandoned_ || finished_ || !waiting_.empty(); });
    if (abandoned_ || waiting_.empty()) return std::nullopt;
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  changed_.notify_all();
  return next;
}

void SealedQueue::abandon() {
  {
    const std::scoped_lock lock{mutex_};
    abandoned_ = true;
  }
  changed_.notify_all();
}

}  // namespace alphorn::apply
