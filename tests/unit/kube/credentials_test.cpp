#include "kube/credentials.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "support/fake_clock.hpp"

namespace alphorn::kube {
namespace {

using std::chrono::seconds;

class TokenFileTest : public testing::Test {
 protected:
  test::FakeClock clock_;
  std::string text_ = "first\n";
  int reads_ = 0;
  TokenFile file_{"/token", clock_, [this](const std::string& path) {
                    ++reads_;
                    if (text_.empty()) throw std::runtime_error("cannot read " + path);
                    return text_;
                  }};
};

TEST_F(TokenFileTest, IsReadOnceAMinute) {
  EXPECT_EQ(file_.token().reveal(), "first");
  text_ = "second";
  clock_.step(seconds{59});
  EXPECT_EQ(file_.token().reveal(), "first");
  clock_.step(seconds{1});
  EXPECT_EQ(file_.token().reveal(), "second");
  EXPECT_EQ(reads_, 2);
}

TEST_F(TokenFileTest, IsReadAtOnceAfterARefusal) {
  file_.token();
  text_ = "second";
  file_.drop();
  http::Headers headers;
  file_.authorize(headers);
  EXPECT_EQ(headers.at("authorization"), "Bearer second");
}

TEST_F(TokenFileTest, AKeptTokenSurvivesAFailedRead) {
  file_.token();
  text_.clear();
  clock_.step(seconds{61});
  EXPECT_EQ(file_.token().reveal(), "first");
}

TEST_F(TokenFileTest, WithoutAnyTokenItThrows) {
  text_.clear();
  EXPECT_THROW(file_.token(), std::runtime_error);
  text_ = "\n";
  EXPECT_THROW(file_.token(), std::runtime_error);
}

}  // namespace
}  // namespace alphorn::kube
