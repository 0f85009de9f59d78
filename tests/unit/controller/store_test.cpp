#include "controller/store.hpp"

#include <gmock/gmock.h>

namespace alphorn::controller {
namespace {

kube::RawObject object(const std::string& name, const std::string& version,
                       const json& owners = {}) {
  json made = {{"metadata", {{"namespace", "ns"}, {"name", name}, {"resourceVersion", version}}}};
  if (!owners.is_null()) made["owners"] = owners;
  return kube::Cutter{}.cut(made.dump());
}

Store owned() {
  return Store{{{"owner", [](const kube::RawObject& raw) {
                   const json object = raw.read();
                   return at_path(object, "owners").is_array()
                              ? object.at("owners").get<std::vector<std::string>>()
                              : std::vector<std::string>{};
                 }}}};
}

std::vector<std::string> names(const std::vector<ObjectPtr>& objects) {
  std::vector<std::string> result;
  for (const ObjectPtr& object : objects) result.push_back(object->key().name);
  return result;
}

TEST(Store, ReturnsWhatWasThereBefore) {
  Store store;
  EXPECT_EQ(store.put(object("a", "1")), nullptr);
  EXPECT_EQ(store.put(object("a", "2"))->resource_version(), "1");
  EXPECT_EQ(store.resource_version(), "2");
  EXPECT_EQ(store.erase({"ns", "a"})->resource_version(), "2");
  EXPECT_EQ(store.erase({"ns", "a"}), nullptr);
  EXPECT_EQ(store.get({"ns", "a"}), nullptr);
}

TEST(Store, AHeldObjectDoesNotChange) {
  Store store;
  store.put(object("a", "1"));
  const ObjectPtr held = store.get({"ns", "a"});
  store.put(object("a", "2"));
  EXPECT_EQ(string_at(held->read(), "metadata/resourceVersion"), "1");
}

TEST(Store, ListsInTheOrderOfKeys) {
  Store store;
  for (const char* name : {"c", "a", "b"}) store.put(object(name, "1"));
  EXPECT_THAT(names(store.list()), testing::ElementsAre("a", "b", "c"));
}

TEST(Store, IndexesFollowTheObjects) {
  Store store = owned();
  store.put(object("a", "1", json::array({"x", "y"})));
  store.put(object("b", "2", json::array({"x"})));
  store.put(object("c", "3"));
  EXPECT_THAT(names(store.by_index("owner", "x")), testing::ElementsAre("a", "b"));
  store.put(object("a", "4", json::array({"y"})));
  EXPECT_THAT(names(store.by_index("owner", "x")), testing::ElementsAre("b"));
  store.erase({"ns", "b"});
  EXPECT_TRUE(store.by_index("owner", "x").empty());
  EXPECT_TRUE(store.by_index("no such index", "x").empty());
}

TEST(Store, ReplaceTellsWhatIsGone) {
  Store store = owned();
  store.put(object("a", "1", json::array({"x"})));
  store.put(object("b", "2", json::array({"x"})));
  const auto gone = store.replace(
      {store.pack(object("b", "5", json::array({"y"}))), store.pack(object("c", "6"))}, "9");
  EXPECT_THAT(names(gone), testing::ElementsAre("a"));
  EXPECT_THAT(names(store.list()), testing::ElementsAre("b", "c"));
  EXPECT_TRUE(store.by_index("owner", "x").empty());
  EXPECT_THAT(names(store.by_index("owner", "y")), testing::ElementsAre("b"));
  EXPECT_EQ(store.resource_version(), "9");
}

}  // namespace
}  // namespace alphorn::controller
