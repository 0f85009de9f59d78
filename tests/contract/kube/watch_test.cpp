#include <gmock/gmock.h>

#include <thread>

#include "support/cluster.hpp"

namespace alphorn::kube {
namespace {

using kinds::kConfigMap;
using test::config_map;
using Type = WatchEvent::Type;

struct Enough {};

TEST(Watch, HandsOverAddChangeAndDelete) {
  const auto client = test::client();
  const std::string ns = test::fresh_namespace(*client, "watch");
  const std::string from = client->list(kConfigMap, {.ns = ns}).resource_version;
  client->create(kConfigMap, config_map(ns, "seen", {{"a", "1"}}));
  client->apply(kConfigMap, config_map(ns, "seen", {{"a", "2"}}), {.field_manager = "tester"});
  client->remove({kConfigMap, ns, "seen"}, {});

  std::vector<Type> types;
  EXPECT_THROW(client->watch(kConfigMap, {.ns = ns, .resource_version = from},
                             [&](const WatchEvent& event) {
                               types.push_back(event.type);
                               EXPECT_EQ(event.object.key.name, "seen");
                               if (event.type == Type::deleted) throw Enough{};
                             },
                             {}),
               Enough);
  EXPECT_THAT(types, testing::ElementsAre(Type::added, Type::modified, Type::deleted));
}

TEST(Watch, SeesAWriteAtOnce) {
  const auto client = test::client();
  const std::string ns = test::fresh_namespace(*client, "watch");
  const std::string from = client->list(kConfigMap, {.ns = ns}).resource_version;
  std::atomic<std::int64_t> seen_at{0};
  const auto ticks = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
  std::jthread watcher([&](const std::stop_token& stop) {
    try {
      client->watch(
          kConfigMap, {.ns = ns, .resource_version = from},
          [&](const WatchEvent&) { seen_at = ticks(); }, stop);
    } catch (const http::TransportError&) {
    }
  });
  std::int64_t worst = 0;
  for (int number = 0; number < 20; ++number) {
    seen_at = 0;
    client->create(kConfigMap, config_map(ns, "quick-" + std::to_string(number), {}));
    const auto written = ticks();
    ASSERT_TRUE(test::eventually([&] { return seen_at != 0; }));
    worst = std::max(worst, seen_at - written);
  }
  RecordProperty("worst_microseconds", static_cast<int>(worst / 1000));
  EXPECT_LT(worst, std::chrono::nanoseconds{std::chrono::seconds{20}}.count());
}

/// The server keeps history from when it first served a kind: a kind that is new has no version 1.
TEST(Watch, AnExpiredVersionIsSaidSo) {
  const auto client = test::client();
  test::ensure_widgets(*client);
  try {
    client->watch(test::kWidget, {.resource_version = "1", .timeout = std::chrono::seconds{5}},
                  [](const WatchEvent&) {}, {});
    FAIL() << "version 1 is still there";
  } catch (const ApiError& error) {
    EXPECT_TRUE(error.is_expired()) << error.status() << " " << error.what();
  }
}

}  // namespace
}  // namespace alphorn::kube
