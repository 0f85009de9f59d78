#include "controller/work_queue.hpp"

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "support/fake_clock.hpp"

namespace alphorn::controller {
namespace {

using kube::Key;
using std::chrono::milliseconds;
using Priority = WorkQueue::Priority;

const Key kAcme{"acme", "acme"};
const Key kBeta{"beta", "beta"};

class QueueTest : public testing::Test {
 protected:
  /// Takes and finishes what is ready now.
  std::vector<std::string> drain() {
    std::vector<std::string> names;
    while (const auto key = queue_.try_take()) {
      names.push_back(key->name);
      queue_.done(*key);
    }
    return names;
  }

  test::FakeClock clock_;
  WorkQueue queue_{"test", clock_};
};

TEST_F(QueueTest, DuplicatesCollapse) {
  queue_.add(kAcme);
  queue_.add(kBeta);
  queue_.add(kAcme);
  EXPECT_EQ(queue_.size(), 2U);
  EXPECT_THAT(drain(), testing::ElementsAre("acme", "beta"));
}

TEST_F(QueueTest, AKeyBeingWorkedOnIsHandedOutOnceAfterwards) {
  queue_.add(kAcme);
  ASSERT_EQ(queue_.try_take(), kAcme);
  queue_.add(kAcme);
  queue_.add(kAcme);
  EXPECT_EQ(queue_.try_take(), std::nullopt) << "one key for two workers";
  queue_.done(kAcme);
  EXPECT_THAT(drain(), testing::ElementsAre("acme"));
}

TEST_F(QueueTest, OfDelayedAddsTheEarliestCounts) {
  queue_.add_after(kAcme, milliseconds{100});
  queue_.add_after(kAcme, milliseconds{50});
  queue_.add_after(kAcme, milliseconds{200});
  clock_.step(milliseconds{49});
  EXPECT_TRUE(drain().empty());
  clock_.step(milliseconds{1});
  EXPECT_THAT(drain(), testing::ElementsAre("acme"));
  clock_.step(milliseconds{500});
  EXPECT_TRUE(drain().empty());
}

TEST_F(QueueTest, WhoeverTakesAKeyNeedNotBeWokenForItAgain) {
  queue_.add_after(kAcme, milliseconds{50});
  queue_.add(kAcme);
  EXPECT_THAT(drain(), testing::ElementsAre("acme"));
  clock_.step(std::chrono::seconds{1});
  EXPECT_TRUE(drain().empty());
}

TEST_F(QueueTest, NoDelayIsAnAdd) {
  queue_.add_after(kAcme, milliseconds{0});
  EXPECT_THAT(drain(), testing::ElementsAre("acme"));
}

TEST_F(QueueTest, FailuresDoubleTheDelayUntilForgotten) {
  for (const int delay : {5, 10, 20, 40}) {
    queue_.add_rate_limited(kAcme);
    clock_.step(milliseconds{delay - 1});
    EXPECT_TRUE(drain().empty()) << delay;
    clock_.step(milliseconds{1});
    EXPECT_THAT(drain(), testing::ElementsAre("acme")) << delay;
  }
  EXPECT_EQ(queue_.failures(kAcme), 4);
  queue_.forget(kAcme);
  queue_.add_rate_limited(kAcme);
  clock_.step(milliseconds{5});
  EXPECT_THAT(drain(), testing::ElementsAre("acme"));
}

TEST_F(QueueTest, TheDelayEndsAtAThousandSeconds) {
  for (int count = 0; count < 100; ++count) {
    queue_.add_rate_limited(kAcme);
    clock_.step(std::chrono::seconds{1000});
    EXPECT_THAT(drain(), testing::ElementsAre("acme")) << count;
  }
}

TEST_F(QueueTest, AnEditGoesBeforeTheFirstList) {
  for (const char* name : {"a", "b", "c"}) queue_.add({"ns", name}, Priority::low);
  queue_.add({"ns", "edit"});
  EXPECT_THAT(drain(), testing::ElementsAre("edit", "a", "b", "c"));
}

TEST_F(QueueTest, AnEditLiftsAWaitingKey) {
  for (const char* name : {"a", "b", "c"}) queue_.add({"ns", name}, Priority::low);
  queue_.add({"ns", "c"});
  EXPECT_THAT(drain(), testing::ElementsAre("c", "a", "b"));
}

TEST_F(QueueTest, LowPriorityGetsATurnInThirtyTwo) {
  for (const char* name : {"low1", "low2"}) queue_.add({"ns", name}, Priority::low);
  std::vector<std::string> normal;
  for (int count = 0; count < 70; ++count) normal.push_back(std::to_string(count));
  for (const std::string& name : normal) queue_.add({"ns", name});
  const std::vector<std::string> order = drain();
  EXPECT_EQ(order.at(31), "low1");
  EXPECT_EQ(order.at(63), "low2");
  EXPECT_EQ(order.size(), 72U);
}

TEST_F(QueueTest, PriorityIsKeptWhileBeingWorkedOn) {
  queue_.add(kAcme);
  ASSERT_EQ(queue_.try_take(), kAcme);
  queue_.add(kAcme, Priority::low);
  queue_.add(kAcme);
  queue_.add(kBeta, Priority::low);
  queue_.done(kAcme);
  EXPECT_THAT(drain(), testing::ElementsAre("acme", "beta"));
}

TEST(Queue, AStopEndsABlockedTake) {
  WorkQueue queue{"stopped"};
  std::optional<Key> taken = kAcme;
  std::jthread worker([&](const std::stop_token& stop) { taken = queue.take(stop); });
  worker.request_stop();
  worker.join();
  EXPECT_EQ(taken, std::nullopt);
}

TEST(Queue, ManyWorkersNeverShareAKeyAndLoseNone) {
  WorkQueue queue{"many"};
  constexpr int kKeys = 20;
  constexpr int kRounds = 200;
  std::array<std::atomic<int>, kKeys> inside{};
  std::array<std::atomic<int>, kKeys> added{};
  std::array<std::atomic<int>, kKeys> seen{};
  std::atomic<bool> shared{false};
  {
    std::vector<std::jthread> workers;
    for (int count = 0; count < 4; ++count) {
      workers.emplace_back([&](const std::stop_token& stop) {
        while (const auto key = queue.take(stop)) {
          const int number = std::stoi(key->name);
          if (++inside[number] > 1) shared = true;
          seen[number] = added[number].load();  // what this pass knows of
          --inside[number];
          queue.done(*key);
        }
      });
    }
    for (int round = 0; round < kRounds; ++round) {
      for (int number = 0; number < kKeys; ++number) {
        ++added[number];
        const Key key{"ns", std::to_string(number)};
        if (round % 3 == 0) {
          queue.add_after(key, milliseconds{1});
        } else {
          queue.add(key, round % 2 == 0 ? Priority::low : Priority::normal);
        }
      }
    }
    const auto all_seen = [&] {
      for (int number = 0; number < kKeys; ++number) {
        if (seen[number] != kRounds) return false;
      }
      return true;
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{120};
    while (!all_seen() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(all_seen()) << "the last add of some key was lost";
  }
  EXPECT_FALSE(shared);
}

}  // namespace
}  // namespace alphorn::controller
