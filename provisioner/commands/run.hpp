#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <stop_token>
#include <string>

#include "commands/connect.hpp"
#include "directory/directory.hpp"
#include "plan/live.hpp"
#include "plan/plan.hpp"

namespace alphorn::commands {

enum class Format { text, json, markdown };

/// What the directory commands share: a document, a server, how to print.
struct DirectoryOptions {
  std::string file;
  Connection connection;
  Format format = Format::text;
};

/// FILE, the connection and -o.
void add_directory_options(CLI::App& command, DirectoryOptions& options);

/// The document. When it has problems they are written to standard error, a line each, and
/// Exit{kError} is thrown.
directory::Directory read_document(const std::string& file);

/// A plan with what it was made from.
struct Compared {
  plan::Live live;
  plan::Plan plan;
};
Compared compare(apply::Server& server, const directory::Directory& directory,
                 std::stop_token stop);

/// To standard output; with colours on a terminal that wants them.
void print(const plan::Plan& plan, Format format);

/// Calls `work` with a token that SIGINT or SIGTERM stops; a second signal ends the process.
void until_signal(const std::function<void(std::stop_token)>& work);

}  // namespace alphorn::commands
