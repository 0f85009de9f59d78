#pragma once

#include <CLI/CLI.hpp>

namespace alphorn::commands {

/// Exit codes, as terraform's: nothing to do, an error, something would change (plan) or differs
/// (verify).
inline constexpr int kDone = 0;
inline constexpr int kError = 1;
inline constexpr int kDifferences = 2;
/// Instead of an error's, for who asked for last words: another try would come to the same.
/// Kubernetes can be told by it not to try again.
inline constexpr int kFutile = 3;

/// Thrown by a command that ends with another code than 0 and has said why.
struct Exit {
  int code;
};

/// Each adds a subcommand that does its work while the arguments are parsed.
void add_plan_command(CLI::App& app);
void add_apply_command(CLI::App& app);
void add_verify_command(CLI::App& app);
void add_export_command(CLI::App& app);
void add_sheets_command(CLI::App& app);

}  // namespace alphorn::commands
