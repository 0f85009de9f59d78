#include "base/log.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/json.hpp"

namespace alphorn {
namespace {

TEST(Log, ALineIsOneJsonObject) {
  const std::string line =
      json_log_line("info", "2026-11-22T13:45:00Z", "he said \"no\"\nand left");
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(json::parse(line).at("message"), "he said \"no\"\nand left");
  EXPECT_EQ(json::parse(line).at("level"), "info");
}

TEST(Log, BytesThatAreNoTextDoNotThrow) {
  EXPECT_NO_THROW(json::parse(json_log_line("info", "", "broken \xff bytes")));
}

TEST(Log, AnUnknownLevelIsRefused) { EXPECT_THROW(log_as_json("loud"), std::invalid_argument); }

}  // namespace
}  // namespace alphorn
