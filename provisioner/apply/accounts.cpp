#include "apply/accounts.hpp"

#include <algorithm>
#include <chrono>
#include <semaphore>
#include <thread>

#include "apply/lanes.hpp"

namespace alphorn::apply {
namespace {

using directory::Directory;

constexpr std::size_t kPasswordLength = 16;
/// People whose passwords are sealed at a time.
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
std::vector<plan::CreateAccount> still_new(const Context& context,
                                           const std::vector<plan::CreateAccount>& part) {
  std::vector<plan::CreateAccount> fresh;
  for (const plan::CreateAccount& step : part) {
    const bool is_new = check(context, step, [&] {
      if (step.with_password && context.accounts.exists(step.person.user_id, context.stop)) {
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

/// One of few places, for as long as it lives.
class Place {
 public:
  explicit Place(std::counting_semaphore<>& places) : places_(places) { places_.acquire(); }
  ~Place() { places_.release(); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::counting_semaphore<>& places_;
};

/// A part is sealed as a whole before the first of its accounts is asked for.
void create_part(const Context& context, const std::vector<plan::CreateAccount>& steps,
                 const Directory& directory, Journal& journal, const Seal& seal) {
  const std::vector<plan::CreateAccount> part = still_new(context, steps);
  if (part.empty()) return;
  std::vector<Credential> credentials;
  for (const plan::CreateAccount& step : part) {
    credentials.push_back({.person = step.person, .password = random_password(kPasswordLength)});
  }
  if (directory.passwords) seal(credentials);
  for (std::size_t index = 0; index < part.size(); ++index) {
    create(context, part[index], directory, journal, credentials[index].password);
  }
}

}  // namespace

void bring_accounts(const Context& context, const plan::Steps& steps, const Directory& directory,
                    Journal& journal, const Seal& seal) {
  // Few parts are sealed at a time: where provisioner and server share a machine, the server would
  // have nothing to do until the last of them is.
  std::counting_semaphore<> places{2};
  const Seal in_turn = [&](const std::vector<Credential>& credentials) {
    const Place place{places};
    seal(credentials);
  };
  std::vector<plan::CreateAccount> fresh;
  std::vector<Lane> lanes;
  for (const plan::Step& step : steps) {
    if (const auto* create = std::get_if<plan::CreateAccount>(&step)) {
      fresh.push_back(*create);
    } else if (const auto* change_step = std::get_if<plan::ChangeAccount>(&step)) {
      lanes.push_back({[&, change_step] { change(context, *change_step, directory); }});
    }
  }
  const auto threads = static_cast<std::size_t>(context.threads);
  const std::size_t size =
      std::clamp<std::size_t>((fresh.size() + threads - 1) / threads, 1, kMostInPart);
  for (std::size_t begin = 0; begin < fresh.size(); begin += size) {
    const std::size_t end = std::min(begin + size, fresh.size());
    std::vector<plan::CreateAccount> part(fresh.begin() + static_cast<std::ptrdiff_t>(begin),
                                          fresh.begin() + static_cast<std::ptrdiff_t>(end));
    lanes.push_back(
        {[&, part = std::move(part)] { create_part(context, part, directory, journal, in_turn); }});
  }
  run(std::move(lanes), context.threads);
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
