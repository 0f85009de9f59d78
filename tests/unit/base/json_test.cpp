#include "base/json.hpp"

#include <gtest/gtest.h>

namespace alphorn {
namespace {

TEST(JsonPath, FindsNestedValues) {
  const json object = {{"status", {{"phase", "Running"}, {"replicas", 3}}}};
  EXPECT_EQ(string_at(object, "status/phase"), "Running");
  EXPECT_EQ(integer_at(object, "status/replicas"), 3);
  EXPECT_EQ(&at_path(object, ""), &object);
}

TEST(JsonPath, AbsenceIsAnEmptyValue) {
  const json object = {{"status", "not an object"}, {"list", json::array({1})}};
  EXPECT_TRUE(at_path(object, "status/phase").is_null());
  EXPECT_TRUE(at_path(object, "list/0").is_null());
  EXPECT_EQ(string_at(object, "list"), "");
  EXPECT_EQ(integer_at(object, "status", 7), 7);
  EXPECT_TRUE(at_path(nullptr, "a/b").is_null());
}

}  // namespace
}  // namespace alphorn
