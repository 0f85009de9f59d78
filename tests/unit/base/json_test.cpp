#include "base/json.hpp"

#include <gtest/gtest.h>

#include <set>

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

TEST(Fingerprint, TellsValuesApart) {
  const std::vector<json> values{nullptr,
                                 true,
                                 1,
                                 "1",
                                 json::array(),
                                 json::object(),
                                 json::array({1, 2}),
                                 json::array({12}),
                                 json::array({"a", "b"}),
                                 json::array({"ab"}),
                                 {{"a", "b"}},
                                 {{"a", json::array({"b"})}}};
  std::set<std::string> seen;
  for (const json& value : values) EXPECT_TRUE(seen.insert(fingerprint_of(value)).second) << value;
  EXPECT_EQ(fingerprint_of({{"a", 1}, {"b", 2}}), fingerprint_of({{"b", 2}, {"a", 1U}}));
}

/// Pods roll when it changes.
TEST(Fingerprint, IsTheSameInEveryRelease) {
  EXPECT_EQ(fingerprint_of({{"a", 1}, {"b", json::array({"x", nullptr})}}), "93b1339eb188017b");
}

}  // namespace
}  // namespace alphorn
