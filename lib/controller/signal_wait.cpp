#include <sys/eventfd.h>
#include <sys/poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "controller/serving.hpp"

namespace alphorn::controller {

struct SignalWait::State {
  explicit State(std::function<void()> its_callback) : callback(std::move(its_callback)) {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
    signals = signalfd(-1, &wanted, SFD_CLOEXEC);
    finish = eventfd(0, EFD_CLOEXEC);
    if (signals < 0 || finish < 0) throw std::runtime_error("cannot wait for signals: signalfd");
    waiter = std::jthread([this] { wait(); });
  }

  ~State() {
    const std::uint64_t one = 1;
    if (write(finish, &one, sizeof one) == sizeof one) waiter.join();
    close(signals);
    close(finish);
  }

  void wait() {
    bool called = false;
    while (true) {
      std::array<pollfd, 2> files{pollfd{signals, POLLIN, 0}, pollfd{finish, POLLIN, 0}};
      if (poll(files.data(), files.size(), -1) < 0) continue;  // EINTR
      if ((files[1].revents & POLLIN) != 0) return;
      signalfd_siginfo signal{};
      if (read(signals, &signal, sizeof signal) != sizeof signal) continue;
      if (called) std::_Exit(128 + static_cast<int>(signal.ssi_signo));
      called = true;
      callback();
    }
  }

  std::function<void()> callback;
  int signals = -1;
  int finish = -1;
  std::jthread waiter;
};

SignalWait::SignalWait(std::function<void()> on_signal)
    : state_(std::make_unique<State>(std::move(on_signal))) {}

SignalWait::~SignalWait() = default;

}  // namespace alphorn::controller
