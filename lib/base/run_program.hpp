#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/secret.hpp"

namespace alphorn {

/// A program to run: looked up in PATH when its name has no slash, given nothing to read. Its
/// standard error is this process's own.
struct Program {
  std::string command;
  std::vector<std::string> arguments = {};
  /// Besides, or instead of, what this process's environment has.
  std::map<std::string, std::string> environment = {};
};

/// What the program wrote to standard output, at most a MiB. Throws std::runtime_error that names
/// the command and never what it wrote: when it cannot be started, when it does not end within the
/// time (it is killed then), when it writes more, or ends with another code than 0. Thread-safe.
Secret output_of(const Program& program, std::chrono::milliseconds limit);

}  // namespace alphorn
