#include <gtest/gtest.h>

#include "homeserver/plan.hpp"

namespace alphorn::homeserver {
namespace {

TEST(Differs, LooksOnlyAtWhatIsDesired) {
  const json actual = {{"a", 1}, {"b", {{"c", 2}, {"d", 3}}}};
  EXPECT_FALSE(differs({{"a", 1}, {"b", {{"c", 2}}}}, actual));
  EXPECT_TRUE(differs({{"b", {{"c", 9}}}}, actual));
  EXPECT_TRUE(differs({{"e", 1}}, actual));
}

TEST(Differs, MatchesListItemsByTheirKey) {
  const json actual = {{"env", json::array({{{"name", "B"}, {"value", "2"}},
                                            {{"name", "A"}, {"value", "1"}, {"extra", true}}})}};
  EXPECT_FALSE(differs({{"env", json::array({{{"name", "A"}, {"value", "1"}}})}}, actual));
  EXPECT_TRUE(differs({{"env", json::array({{{"name", "A"}, {"value", "3"}}})}}, actual));
  EXPECT_TRUE(differs({{"env", json::array({{{"name", "C"}, {"value", "1"}}})}}, actual));
}

TEST(Differs, KeepsMountsOfOneVolumeApart) {
  const json mounts = json::array({{{"name", "v"}, {"mountPath", "/a"}, {"subPath", "a"}},
                                   {{"name", "v"}, {"mountPath", "/b"}, {"subPath", "b"}}});
  EXPECT_FALSE(differs(mounts, mounts));
  json changed = mounts;
  changed[1]["subPath"] = "c";
  EXPECT_TRUE(differs(mounts, changed));
}

TEST(Differs, ComparesPlainListsAsAWhole) {
  EXPECT_FALSE(differs(json::array({"a", "b"}), json::array({"a", "b"})));
  EXPECT_TRUE(differs(json::array({"a"}), json::array({"a", "b"})));
}

TEST(Differs, EmptyValuesAskForNothing) {
  EXPECT_FALSE(differs({{"emptyDir", json::object()}}, json::object()));
  EXPECT_FALSE(differs({{"list", json::array()}}, {{"other", 1}}));
}

}  // namespace
}  // namespace alphorn::homeserver
