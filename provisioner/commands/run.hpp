#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
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
  std::vector<std::string> files;  ///< documents, or folders of them
  std::string last_words;          ///< file for a summary of the run; "" for none
  Connection connection;
  Format format = Format::text;
  std::string state = ".";  ///< where each server has its folder
};

/// FILE..., the connection and -o.
void add_directory_options(CLI::App& command, DirectoryOptions& options);

/// One document and how its server is reached.
struct Job {
  std::string file;
  directory::Directory directory;
  Connection connection;
  std::filesystem::path folder;  ///< journal, report, sealed parts, erasures
};

/// Does `work`, which returns an exit code, for every document in turn until it is stopped. What is
/// wrong with one is written to standard error and does not keep the others from their turn. Throws
/// Exit unless all ended with 0: with an error's code if there was one.
void for_each_document(const DirectoryOptions& options,
                       const std::function<int(const Job&, std::stop_token)>& work);

/// A plan with what it was made from.
struct Compared {
  plan::Live live;
  plan::Plan plan;
};
Compared compare(LoggedIn& session, const Job& job, std::stop_token stop);

/// Logs in, prints what a document's server differs in, and tells whether it does.
bool differs(const Job& job, Format format, std::stop_token stop);

/// To standard output; with colours on a terminal that wants them.
void print(const plan::Plan& plan, Format format);

}  // namespace alphorn::commands
