#include "controller/written.hpp"

#include <gtest/gtest.h>

namespace alphorn::controller {
namespace {

using kube::kinds::kConfigMap;
using kube::kinds::kSecret;

const kube::Key kAcme{"acme", "acme"};

kube::RawObject version(const std::string& text) { return {.resource_version = text}; }

class WrittenTest : public testing::Test {
 protected:
  bool caught_up(const kube::Key& key = kAcme) {
    return written_.caught_up(
        key, [this](const kube::Kind& kind) { return kind == kConfigMap ? &store_ : nullptr; });
  }
  Store store_;
  WrittenVersions written_;
};

TEST_F(WrittenTest, WaitsUntilTheCacheReachedTheWrite) {
  store_.advance("99");
  written_.record(kAcme, kConfigMap, version("100"));
  EXPECT_FALSE(caught_up());
  store_.advance("100");
  EXPECT_TRUE(caught_up());
}

TEST_F(WrittenTest, VersionsAreNumbersNotWords) {
  store_.advance("1000");
  written_.record(kAcme, kConfigMap, version("999"));
  EXPECT_TRUE(caught_up());
}

TEST_F(WrittenTest, TheNewestOfSeveralWritesCounts) {
  written_.record(kAcme, kConfigMap, version("30"));
  written_.record(kAcme, kConfigMap, version("7"));
  store_.advance("29");
  EXPECT_FALSE(caught_up());
  store_.advance("31");
  EXPECT_TRUE(caught_up());
}

TEST_F(WrittenTest, AnotherKeyIsNotHeldUp) {
  written_.record({"beta", "beta"}, kConfigMap, version("30"));
  EXPECT_TRUE(caught_up());
}

TEST_F(WrittenTest, KindsThatAreNotCachedCountAsSeen) {
  written_.record(kAcme, kSecret, version("30"));
  EXPECT_TRUE(caught_up());
}

}  // namespace
}  // namespace alphorn::controller
