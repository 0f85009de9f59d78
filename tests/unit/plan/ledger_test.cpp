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
  std::map<std::string, Charge> read;
  for (const auto& [key, part] : ledger_parts(ledger)) read.merge(ledger_of(part));
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

}  // namespace
}  // namespace alphorn::plan
