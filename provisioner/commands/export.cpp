#include <filesystem>
#include <iostream>

#include "apply/personal_data.hpp"
#include "base/file.hpp"
#include "commands/commands.hpp"
#include "commands/connect.hpp"
#include "sheets/archive.hpp"

namespace alphorn::commands {
namespace {

constexpr mode_t kPrivate = 0600;

struct ExportOptions {
  Connection connection;
  std::string user;
  std::string file;
};

/// A room's id may hold what a file's name may not.
std::string file_name(std::string name) {
  for (char& letter : name) {
    if (letter == '/' || letter == ':') letter = '_';
  }
  return name;
}

std::runtime_error is_there(const std::string& file) {
  return std::runtime_error(file + " is there already; choose another name");
}

void export_person(const ExportOptions& options, const std::stop_token& stop) {
  if (std::filesystem::exists(options.file)) throw is_there(options.file);
  LoggedIn session{merged(options.connection, {}, ""), stop};
  sheets::Files files;
  for (const auto& [name, content] : apply::personal_data(session.server(), options.user, stop)) {
    files[file_name(name)] = Secret(content.dump(2) + "\n");
  }
  const Secret archive = sheets::archive_of(files);
  if (!write_new_file(options.file, archive.reveal(), kPrivate)) throw is_there(options.file);
  std::cout << files.size() << " files about " << options.user << " are in " << options.file
            << '\n';
}

}  // namespace

void add_export_command(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand(
      "export", "Everything the server has of one person, as a tar archive of JSON files");
  command->add_option("user", options->user, "Matrix id, such as @anna:acme.example")->required();
  command->add_option("-o,--output", options->file, "Archive to write")->required();
  add_connection_options(*command, options->connection);
  command->callback([options] { export_person(*options, {}); });
}

}  // namespace alphorn::commands
