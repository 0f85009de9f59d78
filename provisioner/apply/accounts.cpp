#include "apply/accounts.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "apply/lanes.hpp"
#include "apply/sealed_queue.hpp"
#include "http/transport.hpp"

namespace alphorn::apply {
namespace {

using directory::Directory;

constexpr std::size_t kPasswordLength = 16;
/// People whose passwords are sealed at a time: few first, for the server has nothing to do before
/// they are, and twice as many with each part.
constexpr std::size_t kFirstPart = 6;
constexpr std::size_t kMostInPart = 50;
constexpr std::chrono::seconds kStillUnderWay{10};
constexpr std::chrono::seconds kForEach{1};
constexpr std::chrono::milliseconds kBetweenLooks{200};
constexpr int kServerError = 500;

void create(const Context& context, const plan::CreateAccount& step, const Directory& directory,
            Journal& journal, const Secret& password) {
  journal.asked(step.person.user_id);
  bool is_certain = true;
  attempt(context, "createAccount", step, [&] {
    try {
      context.accounts.create(step, directory, password, context.stop);
    } catch (const matrix::ApiError& error) {
      is_certain = error.status() < kServerError;  // else the server may be at it still
      throw;
    }
  });
  if (is_certain) journal.answered(step.person.user_id);
}

/// Who has an account by now keeps its password, and must not be given a page with another.
std::vector<plan::CreateAccount> still_new(const Context& context, const Directory& directory,
                                           const std::vector<plan::CreateAccount>& steps) {
  const auto there = context.accounts.accounts(directory.server_name, context.stop);
  std::vector<plan::CreateAccount> fresh;
  for (const plan::CreateAccount& step : steps) {
    const bool is_new = check(context, step, [&] {
      const auto found = there.find(step.person.user_id);
      if (found != there.end() && !found->second.is_puppet) {
        throw made_meanwhile("no page was made");
      }
    });
    if (is_new) fresh.push_back(step);
  }
  return fresh;
}

void change(const Context& context, const plan::ChangeAccount& step, const Directory& directory) {
  attempt(context, "changeAccount", step,
          [&] { context.accounts.change(step, directory, context.stop); });
}

/// Does something however its block ends: nobody must wait for a queue whose other end has failed.
class Ending {
 public:
  explicit Ending(std::function<void()> act) : act_(std::move(act)) {}
  ~Ending() { act_(); }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  std::function<void()> act_;
};

void seal_in_parts(const Context& context, const std::vector<plan::CreateAccount>& steps,
                   const Directory& directory, const Seal& seal, SealedQueue& sealed) {
  const Ending ending{[&] { sealed.finish(); }};
  const std::vector<plan::CreateAccount> fresh = still_new(context, directory, steps);
  std::size_t size = kFirstPart;
  for (std::size_t begin = 0; begin < fresh.size(); size = std::min(2 * size, kMostInPart)) {
    if (!sealed.wait_until_few(kMostInPart)) return;
    if (context.stop.stop_requested()) {
      throw http::TransportError(http::TransportError::Kind::stopped, "stopped");
    }
    std::vector<Newcomer> part;
    std::vector<Credential> credentials;
    for (const std::size_t end = std::min(begin + size, fresh.size()); begin < end; ++begin) {
      part.push_back({.step = fresh[begin], .password = random_password(kPasswordLength)});
      credentials.push_back({.person = fresh[begin].person, .password = part.back().password});
    }
    seal(credentials);
    sealed.add(std::move(part));
  }
}

void hand_over(const std::vector<plan::CreateAccount>& steps, SealedQueue& sealed) {
  std::vector<Newcomer> all;
  for (const plan::CreateAccount& step : steps) all.push_back({.step = step, .password = {}});
  sealed.add(std::move(all));
  sealed.finish();
}

}  // namespace

void bring_accounts(const Context& context, const plan::Steps& steps, const Directory& directory,
                    Journal& journal, const Seal& seal, const std::function<void()>& announce) {
  std::vector<plan::CreateAccount> fresh;
  std::vector<Lane> lanes;
  for (const plan::Step& step : steps) {
    if (const auto* create = std::get_if<plan::CreateAccount>(&step)) {
      fresh.push_back(*create);
    } else if (const auto* change_step = std::get_if<plan::ChangeAccount>(&step)) {
      lanes.push_back({[&, change_step] { change(context, *change_step, directory); }});
    }
  }
  if (fresh.empty()) return run(std::move(lanes), context.threads);
  SealedQueue sealed;
  std::future<void> sealing;
  if (directory.passwords) {
    sealing = std::async(std::launch::async,
                         [&] { seal_in_parts(context, fresh, directory, seal, sealed); });
  } else {
    hand_over(fresh, sealed);
  }
  const Ending nobody_takes{[&] { sealed.abandon(); }};
  const std::shared_future<void> announced = std::async(std::launch::async, announce).share();
  const auto makers = std::min(static_cast<std::size_t>(context.threads), fresh.size());
  lanes.insert(lanes.end(), makers, Lane{[&] {
                 const Ending one_failed{[&] { sealed.abandon(); }};
                 announced.get();
                 while (const std::optional<Newcomer> next = sealed.take()) {
                   create(context, next->step, directory, journal, next->password);
                 }
               }});
  run(std::move(lanes), context.threads);
  if (sealing.valid()) sealing.get();
}

void retire(const Context& context, const plan::Steps& steps, Journal& journal) {
  std::vector<Lane> lanes;
  for (const plan::Step& step : steps) {
    if (const auto* lock = std::get_if<plan::LockAccount>(&step)) {
      lanes.push_back({[&context, &step, lock] {
        attempt(context, "lockAccount", step, [&] { context.accounts.lock(*lock, context.stop); });
      }});
    } else if (const auto* end = std::get_if<plan::DeactivateAccount>(&step)) {
      lanes.push_back({[&context, &journal, &step, end] {
        attempt(context, end->erase ? "eraseAccount" : "deactivateAccount", step, [&] {
          context.accounts.deactivate(*end, context.stop);
          if (end->erase) journal.erased(end->user_id);
        });
      }});
    }
  }
  run(std::move(lanes), context.threads);
}

void settle(AccountKeeper& accounts, Journal& journal, std::stop_token stop) {
  // They were all asked for at a time, and the server hashes their passwords in turn.
  const auto deadline = std::chrono::steady_clock::now() + kStillUnderWay +
                        kForEach * static_cast<int>(journal.unanswered().size());
  for (const std::string& user : journal.unanswered()) {
    while (std::chrono::steady_clock::now() < deadline && !stop.stop_requested() &&
           !accounts.exists(user, stop)) {
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }
  if (!stop.stop_requested()) journal.clear();
}

}  // namespace alphorn::apply
