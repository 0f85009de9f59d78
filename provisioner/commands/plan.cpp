#include "commands/commands.hpp"
#include "commands/run.hpp"

namespace alphorn::commands {

void add_plan_command(CLI::App& app) {
  auto options = std::make_shared<DirectoryOptions>();
  CLI::App* command = app.add_subcommand(
      "plan", "Show what apply would change. Ends with 0 when nothing, with 2 when something");
  add_directory_options(*command, *options);
  command->callback([options] {
    for_each_document(*options, [&](const Job& job, std::stop_token stop) {
      return differs(job, options->format, stop) ? kDifferences : kDone;
    });
  });
}

}  // namespace alphorn::commands
