#include "plan/ledger.hpp"

#include <gtest/gtest.h>

namespace alphorn::plan {
namespace {

TEST(Ledger, WhatIsWrittenIsRead) {
  std::map<std::string, Charge> ledger;
  for (int number = 0; number < 100; ++number) {
    ledger["@p" + std::to_string(number) + ":acme.example"] = {.fingerprint = "0123456789abcdef",
                                                               .left_s = number % 2 * 1800000000L};
  }
  const std::map<std::string, Charge> read = ledger_of(ledger_parts(ledger));
  ASSERT_EQ(read.size(), ledger.size());
  EXPECT_EQ(read.at("@p7:acme.example").left_s, 1800000000L);
  EXPECT_EQ(read.at("@p8:acme.example").fingerprint, "0123456789abcdef");
}

TEST(Ledger, TenThousandPeopleFitIntoItsEvents) {
  std::map<std::string, Charge> ledger;
  for (int number = 0; number < 10000; ++number) {
    ledger["@firstname.lastname" + std::to_string(number) + ":acme.example"] = {
        .fingerprint = "0123456789abcdef"};
  }
  for (const auto& [key, part] : ledger_parts(ledger)) EXPECT_LT(part.dump().size(), 60000U);
}

TEST(Ledger, ASmallCompanysIsOneEventAndGrowsIntoMore) {
  std::map<std::string, Charge> ledger;
  for (int number = 0; number < 300; ++number) {
    ledger["@p" + std::to_string(number) + ":acme.example"] = {.fingerprint = "0123456789abcdef"};
  }
  std::map<std::string, json> there = ledger_parts(ledger);
  EXPECT_EQ(there.size(), 1U);
  for (int number = 300; number < 3000; ++number) {
    ledger["@p" + std::to_string(number) + ":acme.example"] = {.fingerprint = "0123456789abcdef"};
  }
  const auto changes = ledger_changes(there, ledger);
  ASSERT_EQ(changes.size(), 17U);
  EXPECT_TRUE(changes.back().second.empty()) << "nobody is nowhere meanwhile";
  for (const auto& [key, part] : changes) there[key] = part;
  EXPECT_EQ(ledger_of(there).size(), 3000U);
}

TEST(Ledger, NewcomersAreKnownBeforeTheRunAndFiledAfterIt) {
  Plan plan;
  for (int number = 0; number < 2000; ++number) {
    plan.ledger["@p" + std::to_string(number) + ":acme.example"] = {.fingerprint = "0123"};
  }
  Live live;
  live.ledger["@p7:acme.example"] = {.fingerprint = "4567"};
  live.ledger_parts = ledger_parts(live.ledger);
  const std::map<std::string, json> early = newcomers(plan, live);
  EXPECT_EQ(early.size(), 10U) << "each costs the first run an event";
  std::map<std::string, json> there = live.ledger_parts;
  there.insert(early.begin(), early.end());
  const std::map<std::string, Charge> known = ledger_of(there);
  EXPECT_EQ(known.size(), 2000U);
  EXPECT_EQ(known.at("@p7:acme.example").fingerprint, "4567");
  EXPECT_EQ(known.at("@p8:acme.example").fingerprint, "");
  for (const auto& [key, part] : ledger_changes(there, plan.ledger)) there[key] = part;
  EXPECT_TRUE(there.at("new-0").empty());
  EXPECT_EQ(ledger_of(there).at("@p8:acme.example").fingerprint, "0123");
  EXPECT_TRUE(ledger_changes(there, plan.ledger).empty());
}

TEST(Ledger, ASmallCompanysNewcomersCostOneEventBeforeAndOneAfter) {
  Live live;
  live.ledger = {{"@anna:acme.example", {.fingerprint = "0123"}}, {"@beat:acme.example", {}}};
  live.ledger_parts = ledger_parts(live.ledger);
  Plan plan;
  plan.ledger = {{"@anna:acme.example", {.fingerprint = "0123"}},
                 {"@beat:acme.example", {.left_s = 1800000000}},
                 {"@carl:acme.example", {.fingerprint = "4567"}}};
  plan.steps = {LockAccount{"@beat:acme.example"}};
  std::map<std::string, json> there = live.ledger_parts;
  const std::map<std::string, json> early = newcomers(plan, live);
  EXPECT_EQ(early.size(), 1U);
  for (const auto& [key, part] : early) there[key] = part;
  EXPECT_EQ(ledger_of(there).at("@carl:acme.example").fingerprint, "");
  EXPECT_EQ(ledger_of(there).at("@beat:acme.example").left_s, 1800000000) << "he is locked by now";
  EXPECT_EQ(ledger_changes(there, plan.ledger).size(), 1U);
}

TEST(Ledger, NewcomersOfARunThatWasKilledAreWrittenOnceMore) {
  Live live;
  live.ledger_parts = {{"new-0", {{"@anna:acme.example", ""}}}};
  live.ledger = ledger_of(live.ledger_parts);
  Plan plan;
  plan.ledger = {{"@anna:acme.example", {}}};
  for (int number = 0; number < 2000; ++number) {
    plan.ledger["@p" + std::to_string(number) + ":acme.example"] = {.fingerprint = "0123"};
  }
  EXPECT_TRUE(newcomers(plan, live).at("new-0").contains("@anna:acme.example"));
}

TEST(Ledger, APartThatLostItsLastPersonIsEmptied) {
  const std::map<std::string, json> there = ledger_parts({{"@carla:supplier.example", {}}});
  const auto changes = ledger_changes(there, {});
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_TRUE(changes.begin()->second.empty());
}

}  // namespace
}  // namespace alphorn::plan
