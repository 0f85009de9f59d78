#include "commands/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>

#include "apply/erasures.hpp"
#include "apply/observe.hpp"
#include "commands/commands.hpp"
#include "commands/summary.hpp"
#include "controller/serving.hpp"
#include "directory/read.hpp"
#include "plan/print.hpp"

namespace alphorn::commands {
namespace {

bool wants_colour() { return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr; }

/// The documents themselves, and those in folders by name. Tables and other files are left out.
std::vector<std::string> documents(const std::vector<std::string>& names) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (!fs::is_directory(name)) {
      files.push_back(name);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : fs::directory_iterator(name)) {
      const std::string extension = entry.path().extension();
      if (extension == ".yaml" || extension == ".yml") inside.push_back(entry.path());
    }
    if (inside.empty()) throw std::runtime_error(name + " holds no document (*.yaml)");
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

/// A document as far as it could be read.
struct Document {
  std::string file;
  std::optional<directory::Directory> directory;  ///< none: what is wrong with it has been told
  int code = kError;                              ///< to end with then
};

int failed(const DirectoryOptions& options, const std::string& file, const std::string& why) {
  std::cerr << "alphorn: " << file << ": " << why << '\n';
  leave_last_words(options.last_words, summary_of_failure(why));
  return kError;
}

Document read_document(const DirectoryOptions& options, const std::string& file) {
  try {
    directory::Reading reading = directory::read_file(file);
    for (const directory::Problem& problem : reading.problems) {
      std::cerr << to_string(problem) << '\n';
    }
    if (!reading.problems.empty()) {
      leave_last_words(options.last_words, summary_of(reading.problems));
      return {.file = file,
              .directory = std::nullopt,
              .code = options.last_words.empty() ? kError : kFutile};
    }
    return {.file = file, .directory = std::move(reading.directory)};
  } catch (const std::exception& error) {
    failed(options, file, error.what());
    return {.file = file, .directory = std::nullopt};
  }
}

/// Two documents of one server would lock each other's people: neither has its turn.
void drop_twins(const DirectoryOptions& options, std::vector<Document>& documents) {
  std::map<std::string, std::vector<Document*>> by_server;
  for (Document& document : documents) {
    if (document.directory) by_server[document.directory->server_name].push_back(&document);
  }
  for (const auto& [server, twins] : by_server) {
    if (twins.size() < 2) continue;
    for (Document* twin : twins) {
      const Document* other = twins[twin == twins[0] ? 1 : 0];
      failed(options, twin->file,
             "spec.serverName " + server + " is that of " + other->file +
                 " as well; one server has one document");
      twin->directory.reset();
    }
  }
}

/// Any failure to deal with a document is told and is its own.
int guarded(Document& document, const DirectoryOptions& options,
            const std::function<int(const Job&, std::stop_token)>& work,
            const std::stop_token& stop) {
  if (!document.directory) return document.code;
  try {
    Job job{.file = document.file, .directory = std::move(*document.directory)};
    job.folder = std::filesystem::path(options.state) / (job.directory.server_name + ".alphorn");
    job.connection = merged(options.connection, job.directory.homeserver, document.file);
    return work(job, stop);
  } catch (const std::exception& error) {
    return failed(options, document.file, error.what());
  }
}

std::int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void add_directory_options(CLI::App& command, DirectoryOptions& options) {
  command
      .add_option("file,-f,--file", options.files,
                  "Company directories (YAML), or folders of them; one after the other")
      ->required()
      ->check(CLI::ExistingPath);
  add_connection_options(command, options.connection);
  command
      .add_option("--state", options.state,
                  "Where the folder SERVERNAME.alphorn is kept: journal, report, sealed first "
                  "passwords, and which accounts were erased")
      ->default_str(".");
  const std::map<std::string, Format> formats{
      {"text", Format::text}, {"json", Format::json}, {"markdown", Format::markdown}};
  command.add_option("-o,--output", options.format, "text, json or markdown")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->default_str("text");
}

void for_each_document(const DirectoryOptions& options,
                       const std::function<int(const Job&, std::stop_token)>& work) {
  std::stop_source stop;
  const controller::SignalWait signals{[&stop] {
    std::cerr << "finishing what is under way; once more to end at once\n";
    stop.request_stop();
  }};
  const std::vector<std::string> files = documents(options.files);
  const auto of_one_document = [&](const std::string& said, const char* what, const char* field) {
    if (said.empty() || files.size() < 2) return;
    throw std::runtime_error(std::string(what) + ", and these are " + std::to_string(files.size()) +
                             " documents; leave it out and say " + field + " in each");
  };
  of_one_document(options.connection.url, "--homeserver (or ALPHORN_HOMESERVER) names one server",
                  "spec.homeserver.url");
  of_one_document(options.connection.mas.url,
                  "--mas (or ALPHORN_MAS_URL) names one server's accounts",
                  "spec.homeserver.authenticationService");
  std::vector<Document> all;
  for (const std::string& file : files) all.push_back(read_document(options, file));
  drop_twins(options, all);
  int worst = kDone;
  for (Document& document : all) {
    if (stop.stop_requested()) throw Exit{kError};
    if (all.size() > 1 && options.format == Format::text) {
      std::cout << "== " << document.file << std::endl;
    }
    const int code = guarded(document, options, work, stop.get_token());
    if (code != kDone && worst != kError) worst = code;
  }
  if (worst != kDone) throw Exit{worst};
}

Compared compare(LoggedIn& session, const Job& job, std::stop_token stop) {
  Compared result{
      .live = apply::observe(session.server(), session.accounts(), job.directory, std::move(stop)),
      .plan = {}};
  std::set<std::string> everybody;
  for (const auto& [user, account] : result.live.accounts) everybody.insert(user);
  for (const auto& person : job.directory.people) everybody.insert(person.user_id);
  result.live.erased = apply::erased_among(job.folder, everybody);
  result.plan = plan::make_plan(job.directory, result.live, now_s());
  return result;
}

bool differs(const Job& job, Format format, std::stop_token stop) {
  LoggedIn session{job.connection, stop};
  const Compared found = compare(session, job, stop);
  print(found.plan, format);
  return !found.plan.empty();
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

}  // namespace alphorn::commands
