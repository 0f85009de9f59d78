#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "apply/account_keeper.hpp"
#include "apply/journal.hpp"
#include "apply/server.hpp"
#include "base/locked.hpp"
#include "base/secret.hpp"
#include "directory/directory.hpp"
#include "plan/plan.hpp"

namespace alphorn::apply {

/// A first password, between being drawn and being sealed.
struct Credential {
  directory::Person person;
  Secret password;
};

/// Hands passwords over for good: when it returns they are kept where only the person in charge can
/// read them. An account is created only after that.
using Seal = std::function<void(const std::vector<Credential>&)>;

/// A step that could not be done. The others were.
struct Failure {
  std::string step;
  std::string error;
};

/// How far a run is; read it at any time from any thread.
class Progress {
 public:
  void expect(int steps) { all_ = steps; }
  void done(const std::string& action);
  void failed(const plan::Step& step, const std::string& error);

  int all() const { return all_; }
  int finished() const { return finished_; }
  std::map<std::string, int> counts() const;
  std::vector<Failure> failures() const;
  plan::Steps failed_steps() const;

 private:
  struct Tally {
    std::map<std::string, int> counts;
    std::vector<std::pair<plan::Step, std::string>> failed;
  };
  std::atomic<int> all_ = 0;
  std::atomic<int> finished_ = 0;
  mutable Locked<Tally> tally_;
};

/// Carries a plan out: leavers are locked first, then accounts and rooms come, then links, members
/// and the ledger, which names who is new before their accounts are made and keeps for the next run
/// what has failed. A step that the server refuses is a failure of its own; no answer at all, or a
/// request to stop, ends the run with http::TransportError after what is under way. The account's
/// exemption from rate limits is asked for at the beginning and given back at the end, also then.
/// Safe to repeat at any point.
void apply(Server& server, AccountKeeper& accounts, const directory::Directory& directory,
           const plan::Live& live, const plan::Plan& plan, Journal& journal, const Seal& seal,
           Progress& progress, std::stop_token stop);

/// Gives back an exemption that a killed run has left. One request when there is none.
void end_exemption(Server& server, const std::string& bot, std::stop_token stop);

/// Waits until accounts that a killed run had asked for are there, or can be expected no more, and
/// clears the journal.
void settle(AccountKeeper& accounts, Journal& journal, std::stop_token stop);

}  // namespace alphorn::apply
