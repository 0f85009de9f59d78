#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace alphorn {
namespace {

TEST(Secret, IsNotSeenInAStream) {
  std::ostringstream out;
  out << Secret{"hunter2"};
  EXPECT_EQ(out.str(), "[redacted]");
  EXPECT_EQ(Secret{"hunter2"}.reveal(), "hunter2");
}

TEST(Secret, CopiesAndMovesKeepTheText) {
  Secret first{"a rather long text that does not fit into a small string"};
  const Secret copy = first;
  const Secret moved = std::move(first);
  EXPECT_EQ(copy.reveal(), moved.reveal());
}

TEST(RandomToken, HasTheLengthAndTheAlphabet) {
  const Secret token = random_token(500);
  EXPECT_EQ(token.reveal().size(), 500U);
  for (const char letter : token.reveal()) EXPECT_TRUE(std::isalnum(letter)) << letter;
  const std::set<char> used(token.reveal().begin(), token.reveal().end());
  EXPECT_GT(used.size(), 50U);
}

TEST(RandomPassword, HasNoLettersThatLookAlike) {
  const Secret password = random_password(500);
  EXPECT_EQ(password.reveal().find_first_of("0Oo1Il"), std::string::npos);
}

TEST(RandomBytes, AreDrawnAnew) { EXPECT_NE(random_bytes(32), random_bytes(32)); }

}  // namespace
}  // namespace alphorn
