#include "controller/controller.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace alphorn::controller {
namespace {

using kube::Key;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Key kAcme{"acme", "acme"};

/// Counts passes and lets a test wait for them.
class Passes {
 public:
  int begin() {
    const std::scoped_lock lock{mutex_};
    changed_.notify_all();
    return ++count_;
  }
  bool reach(int count) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, seconds{60}, [&] { return count_ >= count; });
  }
  int count() const {
    const std::scoped_lock lock{mutex_};
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

TEST(Controller, AnExceptionIsBackedOffAndTriedAgain) {
  Passes passes;
  Controller controller{{.name = "failing", .workers = 2}, [&](const Key&, const std::stop_token&) {
                          if (passes.begin() < 4) throw std::runtime_error("not yet");
                          return Outcome::done();
                        }};
  controller.queue().add(kAcme);
  controller.start();
  EXPECT_TRUE(passes.reach(4));
  controller.stop();
  EXPECT_EQ(controller.queue().failures(kAcme), 0) << "success forgets";
}

TEST(Controller, WhatIsNoStdExceptionDoesNotEndTheProcessEither) {
  Passes passes;
  Controller controller{{.name = "odd", .workers = 1}, [&](const Key&, const std::stop_token&) {
                          if (passes.begin() == 1) throw 42;
                          return Outcome::done();
                        }};
  controller.queue().add(kAcme);
  controller.start();
  EXPECT_TRUE(passes.reach(2));
}

TEST(Controller, ATerminalErrorWaitsForAChange) {
  Passes passes;
  Controller controller{{.name = "terminal", .workers = 1},
                        [&](const Key& key, const std::stop_token&) -> Outcome {
                          passes.begin();
                          if (key == kAcme) throw TerminalError("the name is not allowed");
                          return Outcome::done();
                        }};
  controller.queue().add(kAcme);
  controller.queue().add({"after", "after"});
  controller.start();
  EXPECT_TRUE(passes.reach(2));
  controller.stop();
  EXPECT_EQ(passes.count(), 2);
  EXPECT_EQ(controller.queue().failures(kAcme), 0);
}

TEST(Controller, AnOutcomeMayAskForAnotherPass) {
  Passes passes;
  Controller controller{{.name = "again", .workers = 1}, [&](const Key&, const std::stop_token&) {
                          return passes.begin() < 3 ? Outcome::again_in(milliseconds{1})
                                                    : Outcome::done();
                        }};
  controller.queue().add(kAcme);
  controller.start();
  EXPECT_TRUE(passes.reach(3));
}

/// A pass that goes on until it is told to stop.
Outcome wait_for_stop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock{mutex};
  wake.wait(lock, stop, [] { return false; });
  throw std::runtime_error("told to stop");
}

TEST(Controller, StopLetsAPassGoOnForAWhileThenTellsIt) {
  Passes passes;
  Controller controller{{.name = "drained", .workers = 1, .drain = seconds{0}},
                        [&](const Key&, const std::stop_token& stop) {
                          passes.begin();
                          return wait_for_stop(stop);
                        }};
  controller.queue().add(kAcme);
  controller.start();
  ASSERT_TRUE(passes.reach(1));
  controller.stop();
  EXPECT_EQ(controller.queue().failures(kAcme), 0) << "cut short is not failed";
}

TEST(Controller, StopWaitsForThePassUnderWay) {
  Passes passes;
  std::atomic<bool> finished{false};
  std::mutex mutex;
  std::condition_variable go_on;
  bool may_finish = false;
  Controller controller{{.name = "waited", .workers = 1, .drain = seconds{60}},
                        [&](const Key&, const std::stop_token& stop) {
                          passes.begin();
                          std::unique_lock lock{mutex};
                          go_on.wait(lock, [&] { return may_finish; });
                          finished = !stop.stop_requested();
                          return Outcome::done();
                        }};
  controller.queue().add(kAcme);
  controller.start();
  ASSERT_TRUE(passes.reach(1));
  std::jthread stopper([&] { controller.stop(); });
  {
    const std::scoped_lock lock{mutex};
    may_finish = true;
  }
  go_on.notify_all();
  stopper.join();
  EXPECT_TRUE(finished);
}

TEST(Controller, APassOverItsTimeIsStopped) {
  Passes passes;
  Controller controller{{.name = "slow", .workers = 1, .timeout = seconds{0}},
                        [&](const Key&, const std::stop_token& stop) -> Outcome {
                          if (passes.begin() > 1) return Outcome::done();
                          return wait_for_stop(stop);
                        }};
  controller.queue().add(kAcme);
  controller.start();
  EXPECT_TRUE(passes.reach(2));
}

}  // namespace
}  // namespace alphorn::controller
