#include "directory/text.hpp"

#include <gtest/gtest.h>

namespace alphorn::directory {
namespace {

TEST(Text, AccentsAreWrittenOut) {
  EXPECT_EQ(plain_latin("Zoë Müller-Groß"), "zoe mueller-gross");
  EXPECT_EQ(plain_latin("François Łuk"), "francois luk");
}

TEST(Text, TheNearestWordIsMeantUnlessItIsFar) {
  EXPECT_EQ(nearest("ana", {"anna", "beat"}), "anna");
  EXPECT_EQ(nearest("zebra", {"anna", "beat"}), "");
}

}  // namespace
}  // namespace alphorn::directory
