#include "apply/apply.hpp"

#include <unistd.h>

#include <chrono>
#include <iostream>

#include "apply/report.hpp"
#include "commands/commands.hpp"
#include "commands/progress_bar.hpp"
#include "commands/run.hpp"
#include "commands/seal.hpp"
#include "commands/summary.hpp"
#include "plan/print.hpp"

namespace alphorn::commands {
namespace {

using std::chrono::steady_clock;

struct ApplyOptions : DirectoryOptions {
  bool yes = false;
  bool take_over = false;
  int allow_leavers = 0;
  SealOptions seal;
};

bool creates_passwords(const plan::Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [](const plan::Step& step) {
    const auto* create = std::get_if<plan::CreateAccount>(&step);
    return create != nullptr && create->with_password;
  });
}

/// On a terminal a person is asked; where nobody sits, being called is the answer.
bool confirmed(const ApplyOptions& options) {
  if (options.yes || ::isatty(STDIN_FILENO) == 0) return true;
  std::cerr << "Do this? Only \"yes\" is taken: ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

class Run {
 public:
  Run(const ApplyOptions& options, const Job& job)
      : options_(options),
        job_(job),
        directory_(job.directory),
        folder_(job.folder),
        journal_(folder_) {
    report_.server_name = directory_.server_name;
  }

  int operator()(std::stop_token stop) {
    LoggedIn session{job_.connection, stop};
    apply::settle(session.accounts(), journal_, stop);
    Compared found = compare(session, job_, stop);
    if (session.service() != nullptr) note_half_made(found);
    apply::end_exemption(session.server(), found.live.bot, stop);
    if (options_.format == Format::text) print(found.plan, Format::text);
    if (!may(found.plan)) return finish("refused", session);
    if (found.plan.empty()) return finish("done", session);
    const auto seal = sealing(found.plan);
    if (!confirmed(options_)) return finish("refused", session);
    return carry_out(session, found, seal, stop);
  }

 private:
  /// Matrix Authentication Service makes an account first and takes its password then.
  void note_half_made(Compared& found) const {
    for (const std::string& user : journal_.unanswered()) {
      const auto account = found.live.accounts.find(user);
      if (!directory_.passwords || account == found.live.accounts.end() ||
          account->second.is_puppet) {
        continue;
      }
      found.plan.notes.push_back(user +
                                 " was being made when a run was killed, and may have no password; "
                                 "give it one with \"mas-cli manage set-password\"");
    }
  }

  bool may(const plan::Plan& plan) {
    report_.planned = static_cast<int>(plan.steps.size());
    report_.notes = plan.notes;
    for (const plan::Refusal& refusal : plan.refusals) {
      if (is_meant(refusal)) continue;
      report_.error = refusal.text;
      std::cerr << "alphorn: " << refusal.text << '\n';
      return false;
    }
    return true;
  }

  bool is_meant(const plan::Refusal& refusal) const {
    switch (refusal.why) {
      case plan::Refusal::Why::impossible:
        return false;
      case plan::Refusal::Why::too_many_leavers:
        return refusal.leavers <= options_.allow_leavers;
      case plan::Refusal::Why::of_another_document:
        return options_.take_over;
    }
    return false;
  }

  apply::Seal sealing(const plan::Plan& plan) const {
    if (!creates_passwords(plan)) return [](const auto&) {};
    return make_seal(merged(options_.seal, directory_.homeserver), folder_);
  }

  int carry_out(LoggedIn& session, const Compared& found, const apply::Seal& seal,
                const std::stop_token& stop) {
    apply::Progress progress;
    progress.expect(report_.planned);
    std::string result = "done";
    try {
      const ProgressBar bar{progress};
      apply::apply(session.server(), session.accounts(), directory_, found.live, found.plan,
                   journal_, seal, progress, stop);
    } catch (const http::TransportError& error) {
      result = "interrupted";
      report_.error = stop.stop_requested() ? "stopped by a signal; run it again to go on"
                                            : std::string(error.what()) + "; run it again to go on";
      std::cerr << "alphorn: " << report_.error << '\n';
    } catch (const std::exception& error) {
      result = "failures";
      report_.error = std::string(error.what()) + "; mend that and run it again to go on";
      std::cerr << "alphorn: " << report_.error << '\n';
    }
    report_.done = progress.counts();
    report_.failures = progress.failures();
    for (const apply::Failure& failure : report_.failures) {
      std::cerr << "alphorn: " << failure.step << ": " << failure.error << '\n';
    }
    if (result == "done" && !report_.failures.empty()) result = "failures";
    return finish(result, session);
  }

  int finish(const std::string& result, const LoggedIn& session) {
    report_.result = result;
    report_.requests = session.requests();
    report_.writes = session.writes();
    report_.limited = session.limited();
    report_.took =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begun_);
    write(report_, folder_);
    leave_last_words(options_.last_words, summary_of(report_, directory_));
    if (options_.format == Format::json) std::cout << as_json(report_).dump(2) << '\n';
    if (options_.format == Format::markdown) std::cout << as_markdown(report_);
    if (options_.format == Format::text) {
      std::cout << "Report: " << (folder_ / "report.md").string() << '\n';
    }
    if (result == "refused" && !options_.last_words.empty()) return kFutile;
    return result == "done" ? kDone : kError;
  }

  const ApplyOptions& options_;
  const Job& job_;
  const directory::Directory& directory_;
  const std::filesystem::path& folder_;
  apply::Journal journal_;
  apply::Report report_;
  const steady_clock::time_point begun_ = steady_clock::now();
};

}  // namespace

void add_apply_command(CLI::App& app) {
  auto options = std::make_shared<ApplyOptions>();
  CLI::App* command =
      app.add_subcommand("apply", "Bring the server to what the document says; safe to repeat");
  add_directory_options(*command, *options);
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  command->add_option("--allow-leavers", options->allow_leavers,
                      "Lock up to so many people's accounts, whatever leavers.maxPercent says");
  command->add_flag("--take-over", options->take_over,
                    "The server's directory belongs to a document of another name: this one takes "
                    "its place from now on");
  add_seal_options(*command, options->seal);
  command->add_option("--termination-message", options->last_words,
                      "File to leave a summary in, for who runs this in a container; a run that "
                      "another try would not help then ends with 3");
  command->callback([options] {
    for_each_document(*options, [&](const Job& job, std::stop_token stop) {
      return Run{*options, job}(stop);
    });
  });
}

}  // namespace alphorn::commands
