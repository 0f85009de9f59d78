#include "apply/accounts.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <stdexcept>

#include "matrix/session.hpp"
#include "support/scripted_transport.hpp"

namespace alphorn::apply {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string user(int number) { return "@p" + std::to_string(number) + ":acme.example"; }

/// Keeps accounts in memory, and what was done in which order: "seal 6", "create @p0:acme.example".
class Diary final : public AccountKeeper {
 public:
  void note(const std::string& line) {
    const std::scoped_lock lock{mutex_};
    lines_.push_back(line);
  }
  std::vector<std::string> lines() const {
    const std::scoped_lock lock{mutex_};
    return lines_;
  }
  /// The first line that begins so; the number of lines when there is none.
  std::size_t first(const std::string& begin) const {
    const std::vector<std::string> all = lines();
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(),
                     [&](const std::string& line) { return line.starts_with(begin); }) -
        all.begin());
  }

  std::map<std::string, plan::LiveAccount> accounts(const std::string& /*server_name*/,
                                                    std::stop_token /*stop*/) override {
    return there_;
  }
  bool exists(const std::string& user_id, std::stop_token /*stop*/) override {
    return there_.contains(user_id);
  }
  void create(const plan::CreateAccount& step, const directory::Directory& /*directory*/,
              const Secret& password, std::stop_token /*stop*/) override {
    note("create " + step.person.user_id);
    const std::scoped_lock lock{mutex_};
    passwords_[step.person.user_id] = password;
  }
  void change(const plan::ChangeAccount& step, const directory::Directory& /*directory*/,
              std::stop_token /*stop*/) override {
    note("change " + step.person.user_id);
  }
  void lock(const plan::LockAccount& /*step*/, std::stop_token /*stop*/) override {}
  void deactivate(const plan::DeactivateAccount& /*step*/, std::stop_token /*stop*/) override {}

  std::map<std::string, plan::LiveAccount> there_;
  std::map<std::string, Secret> passwords_;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class AccountsTest : public testing::Test {
 protected:
  AccountsTest() { std::filesystem::remove_all(folder_); }
  ~AccountsTest() override { std::filesystem::remove_all(folder_); }

  static plan::Steps new_people(int count) {
    plan::Steps steps;
    for (int number = 0; number < count; ++number) {
      steps.push_back(plan::CreateAccount{.person = {.user_id = user(number)}});
    }
    return steps;
  }

  void bring(const plan::Steps& steps) { bring(steps, context_); }
  void bring(const plan::Steps& steps, const Context& context) {
    Journal journal{folder_};
    bring_accounts(
        context, steps, directory_, journal,
        [this](const std::vector<Credential>& part) {
          if (seals_left_-- == 0) throw std::runtime_error("the disk is full");
          for (const Credential& one : part) sealed_[one.person.user_id] = one.password;
          keeper_.note("seal " + std::to_string(part.size()));
        },
        [this] {
          if (!announcement_.empty()) throw std::runtime_error(announcement_);
          keeper_.note("announce");
        });
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("alphorn-accounts-" + std::to_string(::getpid()));
  Diary keeper_;
  directory::Directory directory_{.server_name = "acme.example", .passwords = true};
  Server server_{std::make_shared<matrix::Session>(std::make_shared<test::ScriptedTransport>(),
                                                   Secret("token")),
                 Pace::Limits{}};
  Progress progress_;
  Context context_{.server = server_, .accounts = keeper_, .progress = progress_, .stop = {}};
  std::map<std::string, Secret> sealed_;
  int seals_left_ = 1000;
  std::string announcement_;  ///< what keeps it from being made
};

TEST_F(AccountsTest, EverybodyGetsThePasswordThatWasSealed) {
  bring(new_people(200));
  ASSERT_THAT(keeper_.passwords_, SizeIs(200));
  for (const auto& [who, password] : keeper_.passwords_) {
    EXPECT_EQ(password.reveal(), sealed_.at(who).reveal());
  }
}

TEST_F(AccountsTest, TheFirstPartIsSmallAndNoneIsLarge) {
  bring(new_people(200));
  std::vector<std::string> seals;
  for (const std::string& line : keeper_.lines()) {
    if (line.starts_with("seal")) seals.push_back(line);
  }
  EXPECT_THAT(seals, ElementsAre("seal 6", "seal 12", "seal 24", "seal 48", "seal 50", "seal 50",
                                 "seal 10"));
}

TEST_F(AccountsTest, AccountsAreMadeBeforeTheLastPasswordIsSealed) {
  bring(new_people(1000));
  const std::vector<std::string> lines = keeper_.lines();
  const auto last_seal = std::find_if(lines.rbegin(), lines.rend(), [](const std::string& line) {
    return line.starts_with("seal");
  });
  const auto made_before = std::count_if(
      last_seal, lines.rend(), [](const std::string& line) { return line.starts_with("create"); });
  // 1000 less the last part, and who may wait for an account when it is sealed.
  EXPECT_GE(made_before, 1000 - 50 - 50 - context_.threads);
}

TEST_F(AccountsTest, NoneIsMadeBeforeTheLedgerNamesThem) {
  bring(new_people(20));
  EXPECT_LT(keeper_.first("announce"), keeper_.first("create"));
}

TEST_F(AccountsTest, WhereTheLedgerCannotBeWrittenNoneIsMade) {
  announcement_ = "no";
  EXPECT_THROW(bring(new_people(20)), std::runtime_error);
  EXPECT_THAT(keeper_.passwords_, IsEmpty());
}

TEST_F(AccountsTest, WhereSealingFailsThoseWhoAreSealedGetTheirAccounts) {
  seals_left_ = 2;
  EXPECT_THROW(bring(new_people(200)), std::runtime_error);
  EXPECT_THAT(keeper_.passwords_, SizeIs(18));
  EXPECT_THAT(sealed_, SizeIs(18));
}

TEST_F(AccountsTest, OnceItIsStoppedNothingMoreIsSealed) {
  std::stop_source stop;
  stop.request_stop();
  Context stopped{
      .server = server_, .accounts = keeper_, .progress = progress_, .stop = stop.get_token()};
  EXPECT_THROW(bring(new_people(20), stopped), http::TransportError);
  EXPECT_THAT(sealed_, IsEmpty());
}

TEST_F(AccountsTest, WhoHasAnAccountByNowGetsNoPage) {
  keeper_.there_[user(3)] = {};
  keeper_.there_[user(4)] = {.is_puppet = true};
  bring(new_people(10));
  EXPECT_THAT(keeper_.passwords_, SizeIs(9));
  EXPECT_FALSE(sealed_.contains(user(3)));
  ASSERT_THAT(progress_.failures(), SizeIs(1));
  EXPECT_THAT(progress_.failures()[0].error, testing::HasSubstr("no page was made"));
}

TEST_F(AccountsTest, WithoutPasswordsNothingIsSealed) {
  directory_.passwords = false;
  bring(new_people(20));
  EXPECT_THAT(keeper_.passwords_, SizeIs(20));
  EXPECT_THAT(sealed_, IsEmpty());
}

TEST_F(AccountsTest, WhereNobodyIsNewNothingIsAnnounced) {
  bring({plan::ChangeAccount{.person = {.user_id = user(1)}}});
  EXPECT_THAT(keeper_.lines(), ElementsAre("change " + user(1)));
}

}  // namespace
}  // namespace alphorn::apply
