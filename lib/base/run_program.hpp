#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/secret.hpp"

namespace alphorn {

/// A program to run: looked up in PATH when its name has no slash. Its standard error is this
/// process's own.
struct Program {
  std::string command;
  std::vector<std::string> arguments = {};
  /// Besides, or instead of, what this process's environment has.
  std::map<std::string, std::string> environment = {};
  /// What its standard input holds: by way of memory, never of a file.
  Secret input = {};
  std::size_t most_output = 1U << 20U;  ///< bytes
  /// Whether it may ask the person at the terminal: it stays in this process's group then, which is
  /// the one that a terminal lets read, and what it starts itself is not ended with it.
  bool may_ask = false;
};

/// What the program wrote to standard output, at most `most_output`. Throws std::runtime_error that
/// names the command and never what it wrote: when it cannot be started, when it does not end
/// within the time (it is killed then), when it writes more, or ends with another code than 0.
/// Thread-safe.
Secret output_of(const Program& program, std::chrono::milliseconds limit);

}  // namespace alphorn
