#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "commands/commands.hpp"

int main(int argc, char** argv) {
  CLI::App app{"Brings a company's people, spaces and rooms to its Matrix homeserver."};
  app.require_subcommand(1);
  alphorn::commands::add_plan_command(app);
  alphorn::commands::add_apply_command(app);
  alphorn::commands::add_verify_command(app);
  alphorn::commands::add_export_command(app);
  alphorn::commands::add_sheets_command(app);
  try {
    app.parse(argc, argv);
    return alphorn::commands::kDone;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? alphorn::commands::kDone : alphorn::commands::kError;
  } catch (const alphorn::commands::Exit& exit) {
    return exit.code;
  } catch (const std::exception& error) {
    std::cerr << "alphorn: " << error.what() << '\n';
    return alphorn::commands::kError;
  }
}
