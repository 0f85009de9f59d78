#include "apply/lanes.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace alphorn::apply {

void run(std::vector<Lane> lanes, int threads) {
  std::stable_sort(lanes.begin(), lanes.end(),
                   [](const Lane& one, const Lane& other) { return one.size() > other.size(); });
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::exception_ptr first;
  std::mutex guards_first;
  const auto work = [&] {
    for (std::size_t index = next++; index < lanes.size(); index = next++) {
      for (const auto& step : lanes[index]) {
        if (failed) return;
        try {
          step();
        } catch (...) {  // carried to the caller's thread
          const std::scoped_lock lock{guards_first};
          if (!first) first = std::current_exception();
          failed = true;
        }
      }
    }
  };
  {
    std::vector<std::jthread> pool;
    const int wanted = std::min<int>(threads, static_cast<int>(lanes.size()));
    for (int count = 0; count < wanted; ++count) pool.emplace_back(work);
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace alphorn::apply
