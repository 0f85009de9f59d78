#include "apply/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>

namespace alphorn::apply {
namespace {

TEST(Lanes, EachIsDoneInOrder) {
  std::vector<std::vector<int>> seen(8);
  std::vector<Lane> lanes(8);
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    for (int step = 0; step < 20; ++step) {
      lanes[lane].push_back([&seen, lane, step] { seen[lane].push_back(step); });
    }
  }
  run(std::move(lanes), 4);
  for (const auto& steps : seen) {
    EXPECT_EQ(steps.size(), 20U);
    EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  }
}

TEST(Lanes, TheLongestBeginsFirst) {
  std::vector<int> order;
  std::vector<Lane> lanes{{[&] { order.push_back(1); }},
                          {[&] { order.push_back(2); }, [&] { order.push_back(2); }}};
  run(std::move(lanes), 1);
  EXPECT_EQ(order, (std::vector<int>{2, 2, 1}));
}

TEST(Lanes, AFailureReachesTheCallerAndEndsTheRest) {
  std::atomic<int> done = 0;
  std::vector<Lane> lanes{{[] { throw std::runtime_error("no"); }, [&] { ++done; }},
                          {[&] { ++done; }}};
  EXPECT_THROW(run(std::move(lanes), 1), std::runtime_error);
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace alphorn::apply
