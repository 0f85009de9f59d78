#include "commands/progress_bar.hpp"

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>

#include "base/json.hpp"

namespace alphorn::commands {
namespace {

constexpr std::chrono::milliseconds kBetweenBars{200};
constexpr std::chrono::milliseconds kBetweenLines{5000};
constexpr int kWidth = 30;

}  // namespace

ProgressBar::ProgressBar(const apply::Progress& progress)
    : progress_(progress),
      terminal_(::isatty(STDERR_FILENO) == 1),
      shows_([this](std::stop_token stop) {
        std::mutex mutex;
        std::condition_variable_any end;
        std::unique_lock lock{mutex};
        const auto pause = terminal_ ? kBetweenBars : kBetweenLines;
        while (!end.wait_for(lock, stop, pause, [&] { return stop.stop_requested(); })) {
          show(/*last=*/false);
        }
      }) {}

ProgressBar::~ProgressBar() {
  shows_.request_stop();
  shows_.join();
  show(/*last=*/true);
}

void ProgressBar::show(bool last) const {
  const int all = progress_.all();
  const int finished = progress_.finished();
  if (!terminal_) {
    const json line = {{"event", last ? "end" : "progress"},
                       {"finished", finished},
                       {"all", all},
                       {"failures", progress_.failures().size()}};
    std::cerr << line.dump() + "\n";
    return;
  }
  const int filled = all == 0 ? kWidth : finished * kWidth / all;
  std::string bar = "\r[" + std::string(static_cast<std::size_t>(filled), '#') +
                    std::string(static_cast<std::size_t>(kWidth - filled), '.') + "] " +
                    std::to_string(finished) + " of " + std::to_string(all);
  if (last) bar += '\n';
  std::cerr << bar << std::flush;
}

}  // namespace alphorn::commands
