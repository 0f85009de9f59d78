#include "controller/packing.hpp"

#include <gtest/gtest.h>

namespace alphorn::controller {
namespace {

std::string text(int number) {
  std::string body =
      "{\"metadata\":{\"name\":\"object-" + std::to_string(number) + "\",\"labels\":{";
  for (int label = 0; label < 40; ++label)
    body += "\"label-" + std::to_string(label) + "\":\"value\",";
  return body + "\"last\":\"" + std::to_string(number * 7919) + "\"}}}";
}

TEST(Packing, GivesBackWhatItTook) {
  Packing packing;
  std::vector<Packed> packed;
  for (int number = 0; number < 100; ++number) packed.push_back(packing.pack(text(number)));
  for (int number = 0; number < 100; ++number) EXPECT_EQ(packed[number].unpack(), text(number));
}

TEST(Packing, WhatFollowsIsKeptByWhatIsItsOwn) {
  Packing packing;
  Packed last;
  for (int number = 0; number < 100; ++number) last = packing.pack(text(number));
  EXPECT_LT(last.size() * 8, text(99).size());
}

TEST(Packing, OutlivesThePackingThatMadeIt) {
  Packed kept;
  {
    Packing packing;
    for (int number = 0; number < 50; ++number) kept = packing.pack(text(number));
  }
  EXPECT_EQ(kept.unpack(), text(49));
}

TEST(Packing, TakesTextsOfAnySize) {
  Packing packing;
  for (const std::size_t size : {0U, 1U, 1'000'000U}) {
    EXPECT_EQ(packing.pack(std::string(size, 'x')).unpack().size(), size);
  }
}

}  // namespace
}  // namespace alphorn::controller
