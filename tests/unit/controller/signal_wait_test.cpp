#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <future>

#include "controller/serving.hpp"

namespace alphorn::controller {
namespace {

TEST(SignalWait, CallsBackOnTermination) {
  std::promise<void> called;
  const SignalWait signals{[&] { called.set_value(); }};
  kill(getpid(), SIGTERM);
  EXPECT_EQ(called.get_future().wait_for(std::chrono::seconds{60}), std::future_status::ready);
}

TEST(SignalWait, EndsWithoutASignal) {
  const SignalWait signals{[] { FAIL(); }};
}

TEST(SignalWaitDeathTest, ASecondSignalEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const SignalWait signals{[] {}};
        // Pending signals of one number are one signal: send until the second is read apart.
        while (true) kill(getpid(), SIGTERM);
      },
      testing::ExitedWithCode(128 + SIGTERM), "");
}

}  // namespace
}  // namespace alphorn::controller
