#pragma once

#include <thread>

#include "apply/apply.hpp"

namespace alphorn::commands {

/// Shows how far a run is for as long as it lives, on standard error: a bar on a terminal,
/// otherwise a line of JSON every few seconds.
class ProgressBar {
 public:
  explicit ProgressBar(const apply::Progress& progress);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

 private:
  void show(bool last) const;

  const apply::Progress& progress_;
  const bool terminal_;
  std::jthread shows_;
};

}  // namespace alphorn::commands
