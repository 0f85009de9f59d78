#include "homeserver/components.hpp"

#include <gtest/gtest.h>

#include <set>

namespace alphorn::homeserver {
namespace {

TEST(Components, EveryNeedNamesAnEarlierRow) {
  std::set<std::string> earlier;
  for (const Component& component : components()) {
    for (const std::string& need : component.needs) {
      EXPECT_TRUE(earlier.contains(need)) << component.name << " needs " << need;
    }
    EXPECT_TRUE(earlier.insert(component.name).second) << component.name << " stands twice";
  }
}

TEST(Components, TitleCaseMakesConditionTypes) { EXPECT_EQ(title_case("database"), "Database"); }

}  // namespace
}  // namespace alphorn::homeserver
