#include <iostream>

#include "commands/commands.hpp"
#include "commands/run.hpp"

namespace alphorn::commands {

void add_verify_command(CLI::App& app) {
  auto options = std::make_shared<DirectoryOptions>();
  CLI::App* command = app.add_subcommand(
      "verify", "Prove that the server is as the document says. Ends with 2 when it is not");
  add_directory_options(*command, *options);
  command->callback([options] {
    for_each_document(*options, [&](const Job& job, std::stop_token stop) {
      if (differs(job, options->format, stop)) return kDifferences;
      if (options->format == Format::text) {
        std::cout << "Verified: " << job.directory.people.size() << " accounts and "
                  << job.directory.rooms.size() << " spaces and rooms are as the document says.\n";
      }
      return kDone;
    });
  });
}

}  // namespace alphorn::commands
