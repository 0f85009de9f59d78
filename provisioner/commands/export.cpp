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
  std::string synapse_folder;
};

/// What Synapse's own export-data has written into a folder, as it is.
void add_folder(const std::filesystem::path& folder, sheets::Files& files) {
  namespace fs = std::filesystem;
  const std::size_t before = files.size();
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::optional<std::string> file = content_of_file(entry.path());
    if (!file) throw std::runtime_error(entry.path().string() + " cannot be read");
    files["synapse/" + fs::relative(entry.path(), folder).string()] = Secret(*std::move(file));
  }
  if (files.size() == before) {
    throw std::runtime_error("--synapse-export: " + folder.string() + " holds no files");
  }
}

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
  std::map<std::string, json> data = apply::personal_data(session.server(), options.user, stop);
  if (apply::Server* service = session.service()) {
    data.merge(apply::personal_data_of_service(*service, options.user, stop));
  }
  for (const auto& [name, content] : data) {
    files[file_name(name)] = Secret(content.dump(2) + "\n");
  }
  if (!options.synapse_folder.empty()) add_folder(options.synapse_folder, files);
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
  command
      ->add_option("--synapse-export", options->synapse_folder,
                   "Folder that Synapse's own \"admin_cmd export-data\" has written, to be added")
      ->check(CLI::ExistingDirectory);
  add_connection_options(*command, options->connection);
  command->callback([options] { export_person(*options, {}); });
}

}  // namespace alphorn::commands
