#include "apply/apply.hpp"

#include <exception>
#include <thread>

#include "apply/accounts.hpp"
#include "apply/lanes.hpp"
#include "apply/rooms.hpp"
#include "base/encoding.hpp"
#include "plan/ledger.hpp"

namespace alphorn::apply {
namespace {

using plan::Step;
using plan::Steps;

std::string exemption_of(const std::string& bot) {
  return "/_synapse/admin/v1/users/" + percent_encode(bot) + "/override_ratelimit";
}

/// The account may do as much as the server can, for as long as this lives.
class Exemption {
 public:
  Exemption(Server& server, const std::string& bot, const std::stop_token& stop)
      : server_(server), bot_(bot) {
    // 0 and 0 lift every limit of the account (Synapse docs/admin_api/user_admin_api.md).
    server_.post(exemption_of(bot_), {{"messages_per_second", 0}, {"burst_count", 0}}, stop);
  }
  ~Exemption() {
    try {
      server_.remove(exemption_of(bot_), {});
    } catch (const std::exception&) {
      // The next run finds it and gives it back.
    }
  }
  Exemption(const Exemption&) = delete;
  Exemption& operator=(const Exemption&) = delete;

 private:
  Server& server_;
  std::string bot_;
};

template <typename... Kinds>
Steps only(const Steps& steps) {
  Steps result;
  for (const Step& step : steps) {
    if ((std::holds_alternative<Kinds>(step) || ...)) result.push_back(step);
  }
  return result;
}

}  // namespace

void Progress::done(const std::string& action) {
  tally_.with([&](Tally& tally) { ++tally.counts[action]; });
  ++finished_;
}

void Progress::failed(const Step& step, const std::string& error) {
  tally_.with([&](Tally& tally) { tally.failed.emplace_back(step, error); });
  ++finished_;
}

std::map<std::string, int> Progress::counts() const {
  return tally_.with([](const Tally& tally) { return tally.counts; });
}

std::vector<Failure> Progress::failures() const {
  return tally_.with([](const Tally& tally) {
    std::vector<Failure> failures;
    for (const auto& [step, error] : tally.failed) {
      failures.push_back({.step = plan::to_string(step), .error = error});
    }
    return failures;
  });
}

Steps Progress::failed_steps() const {
  return tally_.with([](const Tally& tally) {
    Steps steps;
    for (const auto& [step, error] : tally.failed) steps.push_back(step);
    return steps;
  });
}

void end_exemption(Server& server, const std::string& bot, std::stop_token stop) {
  // An account without one is answered with an empty object.
  if (!server.get(exemption_of(bot), stop).empty()) server.remove(exemption_of(bot), stop);
}

void apply(Server& server, AccountKeeper& accounts, const directory::Directory& directory,
           const plan::Live& live, const plan::Plan& plan, Journal& journal, const Seal& seal,
           Progress& progress, std::stop_token stop) {
  const Exemption exemption{server, live.bot, stop};
  const Context context{.server = server, .accounts = accounts, .progress = progress, .stop = stop};
  Rooms rooms{context, directory, live};
  // Who is locked without being written down could not be let in again.
  if (!only<plan::LockAccount>(plan.steps).empty()) {
    rooms.write_ledger(plan::ledger_before(plan, live));
  }
  retire(context, only<plan::LockAccount, plan::DeactivateAccount>(plan.steps), journal);
  // Passwords are hashed on threads of the server's, rooms are made on its main one: side by side.
  std::exception_ptr failure;
  {
    const std::jthread beside{[&] {
      try {
        bring_accounts(context, only<plan::CreateAccount, plan::ChangeAccount>(plan.steps),
                       directory, journal, seal, [&] { rooms.write_newcomers(plan); });
      } catch (...) {  // carried over to the caller's thread
        failure = std::current_exception();
      }
    }};
    rooms.create(only<plan::CreateRoom>(plan.steps));
    rooms.set_state(only<plan::SetState>(plan.steps));
  }
  if (failure) std::rethrow_exception(failure);
  rooms.members(only<plan::Join, plan::Invite, plan::Kick>(plan.steps));
  if (plan.ledger_changes) {
    rooms.write_owner();
    rooms.write_ledger(plan::ledger_after(plan, live, progress.failed_steps()));
  }
  journal.clear();
}

}  // namespace alphorn::apply
