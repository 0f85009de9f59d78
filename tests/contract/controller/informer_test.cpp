#include "controller/informer.hpp"

#include <gmock/gmock.h>

#include "controller/controller.hpp"
#include "support/cluster.hpp"
#include "support/wrapped_transport.hpp"

namespace alphorn::controller {
namespace {

using kube::kinds::kConfigMap;
using test::config_map;
using test::eventually;

/// What handlers were told, as "added a", "changed a", "deleted a".
class Told {
 public:
  Informer::Handler handler() {
    return [this](const ObjectPtr& before, const ObjectPtr& after) {
      const std::string what = !before ? "added " : (!after ? "deleted " : "changed ");
      lines_.with(
          [&](auto& lines) { lines.push_back(what + (after ? after : before)->key().name); });
    };
  }
  std::vector<std::string> lines() const {
    return lines_.with([](const auto& lines) { return lines; });
  }
  bool has(const std::string& line) const {
    const auto all = lines();
    return std::find(all.begin(), all.end(), line) != all.end();
  }

 private:
  Locked<std::vector<std::string>> lines_;
};

class InformerTest : public testing::Test {
 protected:
  void create(const std::string& name, const json& data = {{"a", "1"}}) const {
    client_->create(kConfigMap, config_map(ns_, name, data));
  }
  void change(const std::string& name, const std::string& value) const {
    client_->apply(kConfigMap, config_map(ns_, name, {{"a", value}}), {.field_manager = "tester"});
  }
  void remove(const std::string& name) const { client_->remove({kConfigMap, ns_, name}, {}); }

  std::shared_ptr<kube::Client> client_ = test::client();
  std::string ns_ = test::fresh_namespace(*client_, "informer");
  Told told_;
};

TEST_F(InformerTest, KeepsTheStoreEqualToTheServer) {
  create("old");
  Informer informer{client_, {.kind = kConfigMap, .ns = ns_}};
  informer.add_handler(told_.handler());
  informer.start();
  ASSERT_TRUE(eventually([&] { return informer.synced(); }));
  EXPECT_TRUE(told_.has("added old"));

  create("new");
  ASSERT_TRUE(eventually([&] { return told_.has("added new"); }));
  change("new", "2");
  ASSERT_TRUE(eventually([&] { return told_.has("changed new"); }));
  EXPECT_EQ(string_at(informer.store().get({ns_, "new"})->read(), "data/a"), "2");
  remove("old");
  ASSERT_TRUE(eventually([&] { return told_.has("deleted old"); }));
  EXPECT_EQ(informer.store().get({ns_, "old"}), nullptr);
  EXPECT_THAT(told_.lines(),
              testing::ElementsAre("added old", "added new", "changed new", "deleted old"));
}

TEST_F(InformerTest, ShrinksAndIndexesWhatItKeeps) {
  create("big", {{"a", "1"}, {"large", "x"}});
  Informer informer{client_,
                    {.kind = kConfigMap,
                     .ns = ns_,
                     .indexers = {{"by-a",
                                   [](const kube::RawObject& object) {
                                     return std::vector{string_at(object.read(), "data/a")};
                                   }}},
                     .drop = {{"data", "large"}}}};
  informer.start();
  ASSERT_TRUE(eventually([&] { return informer.synced(); }));
  const auto found = informer.store().by_index("by-a", "1");
  ASSERT_EQ(found.size(), 1U);
  const json stored = found.front()->read();
  EXPECT_FALSE(at_path(stored, "metadata").contains("managedFields"));
  EXPECT_FALSE(at_path(stored, "data").contains("large"));
  EXPECT_EQ(stored.at("kind"), "ConfigMap");

  change("big", "2");
  ASSERT_TRUE(eventually([&] { return !informer.store().by_index("by-a", "2").empty(); }));
  EXPECT_TRUE(informer.store().by_index("by-a", "1").empty());
}

TEST_F(InformerTest, GoesOnWhereACutWatchEnded) {
  const auto wire =
      std::make_shared<test::WrappedTransport>(http::make_transport(test::kubeconfig().endpoint));
  std::atomic<int> lists{0};
  std::atomic<int> watches{0};
  wire->on_request = [&](const http::Request& request) {
    const bool lists_too = request.target.find("sendInitialEvents") != std::string::npos;
    ++(lists_too || request.target.find("watch=true") == std::string::npos ? lists : watches);
  };
  InformerOptions options{.kind = kConfigMap, .ns = ns_};
  options.environment.random = [] { return 0.0; };
  Informer informer{std::make_shared<kube::Client>(wire), options};
  informer.add_handler(told_.handler());
  informer.start();
  ASSERT_TRUE(eventually([&] { return lists == 1; }));
  create("before");
  ASSERT_TRUE(eventually([&] { return told_.has("added before"); }));
  wire->cut();
  create("meanwhile");
  ASSERT_TRUE(eventually([&] { return told_.has("added meanwhile"); }));
  EXPECT_EQ(lists, 1) << "a cut needs no new list";
  EXPECT_EQ(watches, 1);
}

TEST_F(InformerTest, ListsAgainWhenTheVersionExpired) {
  test::ensure_widgets(*client_);
  const auto widget = [&](const std::string& name) {
    return json{{"apiVersion", "test.alphorn.dev/v1"},
                {"kind", "Widget"},
                {"metadata", {{"name", name}, {"namespace", ns_}}}};
  };
  client_->create(test::kWidget, widget("goes"));
  client_->create(test::kWidget, widget("stays"));

  const auto wire =
      std::make_shared<test::WrappedTransport>(http::make_transport(test::kubeconfig().endpoint));
  std::atomic<bool> expire{false};
  wire->on_request = [&](http::Request& request) {
    if (request.target.find("watch=true") == std::string::npos) return;
    if (request.target.find("sendInitialEvents") != std::string::npos) return;
    const auto version = request.target.find("resourceVersion=");
    if (!expire.exchange(false)) return;
    const auto end = request.target.find('&', version);
    request.target.replace(version, end - version, "resourceVersion=1");
    // What happens while nobody watches: the new list must tell of it.
    client_->remove({test::kWidget, ns_, "goes"}, {});
    client_->create(test::kWidget, widget("comes"));
  };
  InformerOptions options{.kind = test::kWidget, .ns = ns_};
  options.environment.random = [] { return 0.0; };
  Informer informer{std::make_shared<kube::Client>(wire), options};
  informer.add_handler(told_.handler());
  informer.start();
  ASSERT_TRUE(eventually([&] { return informer.synced(); }));
  expire = true;
  wire->cut();
  ASSERT_TRUE(eventually([&] { return told_.has("added comes"); }));
  EXPECT_THAT(told_.lines(),
              testing::ElementsAre("added goes", "added stays", "deleted goes", "added comes"));
}

TEST_F(InformerTest, StopsInTheMiddleOfAWatch) {
  Informer informer{client_, {.kind = kConfigMap, .ns = ns_}};
  informer.start();
  ASSERT_TRUE(eventually([&] { return informer.synced(); }));
  const auto asked = std::chrono::steady_clock::now();
  informer.stop();
  // The server ends a watch after minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds{30})
      << "it waited for the watch";
}

TEST_F(InformerTest, AKindThatIsNotServedIsNeverSynced) {
  Informer informer{client_, {.kind = {"", "v1", "Nothing", "nothings"}, .ns = ns_}};
  informer.start();
  EXPECT_FALSE(wait_until_synced({&informer}, std::chrono::seconds{1}, {}));
}

TEST_F(InformerTest, AnOptionalKindThatIsNotServedHasNoObjects) {
  Informer informer{client_,
                    {.kind = {"", "v1", "Nothing", "nothings"}, .ns = ns_, .optional = true}};
  informer.start();
  EXPECT_TRUE(wait_until_synced({&informer}, test::kPatience, {}));
  EXPECT_FALSE(informer.served());
  EXPECT_TRUE(informer.store().list().empty());
}

}  // namespace
}  // namespace alphorn::controller
