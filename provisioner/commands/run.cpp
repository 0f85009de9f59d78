#include "commands/run.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "apply/observe.hpp"
#include "commands/commands.hpp"
#include "controller/serving.hpp"
#include "directory/read.hpp"
#include "plan/print.hpp"

namespace alphorn::commands {
namespace {

bool wants_colour() { return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr; }

std::int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void add_directory_options(CLI::App& command, DirectoryOptions& options) {
  command.add_option("file,-f,--file", options.file, "The company directory (YAML)")
      ->required()
      ->check(CLI::ExistingFile);
  add_connection_options(command, options.connection);
  const std::map<std::string, Format> formats{
      {"text", Format::text}, {"json", Format::json}, {"markdown", Format::markdown}};
  command.add_option("-o,--output", options.format, "text, json or markdown")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->default_str("text");
}

directory::Directory read_document(const std::string& file) {
  directory::Reading reading = directory::read_file(file);
  if (reading.problems.empty()) return std::move(reading.directory);
  for (const directory::Problem& problem : reading.problems) {
    std::cerr << to_string(problem) << '\n';
  }
  throw Exit{kError};
}

Compared compare(apply::Server& server, const directory::Directory& directory,
                 std::stop_token stop) {
  Compared result{.live = apply::observe(server, directory, std::move(stop)), .plan = {}};
  result.plan = plan::make_plan(directory, result.live, now_s());
  return result;
}

void print(const plan::Plan& plan, Format format) {
  switch (format) {
    case Format::text:
      std::cout << plan::as_text(plan, wants_colour() ? plan::Colour::yes : plan::Colour::no);
      break;
    case Format::json:
      std::cout << plan::as_json(plan).dump(2) << '\n';
      break;
    case Format::markdown:
      std::cout << plan::as_markdown(plan);
      break;
  }
  std::cout.flush();
}

void until_signal(const std::function<void(std::stop_token)>& work) {
  std::stop_source stop;
  const controller::SignalWait signals{[&] {
    std::cerr << "finishing what is under way; once more to end at once\n";
    stop.request_stop();
  }};
  work(stop.get_token());
}

}  // namespace alphorn::commands
