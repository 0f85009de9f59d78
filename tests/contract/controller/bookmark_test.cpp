#include <gtest/gtest.h>

#include "controller/informer.hpp"
#include "support/cluster.hpp"

namespace alphorn::controller {
namespace {

using kube::kinds::kConfigMap;

TEST(Bookmarks, AdvanceAStoreToWhichNothingHappens) {
  const auto client = test::client();
  const std::string quiet = test::fresh_namespace(*client, "bookmark");
  Informer informer{client, {.kind = kConfigMap, .ns = quiet}};
  informer.start();
  ASSERT_TRUE(test::eventually([&] { return informer.synced(); }));
  const std::string elsewhere = test::fresh_namespace(*client, "bookmark");
  const json written = client->create(kConfigMap, test::config_map(elsewhere, "other", {})).read();
  const std::string version = string_at(written, "metadata/resourceVersion");
  EXPECT_TRUE(test::eventually(
      [&] { return std::stoll(informer.store().resource_version()) >= std::stoll(version); },
      std::chrono::seconds{300}));
}

}  // namespace
}  // namespace alphorn::controller
