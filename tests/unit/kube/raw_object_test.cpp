#include "kube/raw_object.hpp"

#include <gmock/gmock.h>

namespace alphorn::kube {
namespace {

const json kObject = {
    {"apiVersion", "v1"},
    {"kind", "ConfigMap"},
    {"metadata",
     {{"name", "a"},
      {"namespace", "ns"},
      {"resourceVersion", "7"},
      {"labels", {{"app", "x\"y"}, {"tier", "z"}}},
      {"annotations", {{"kubectl.kubernetes.io/last-applied-configuration", "{}"}, {"kept", "1"}}},
      {"managedFields", json::array({{{"manager", "m"}}})}}},
    {"data", {{"quote\"d", "1"}, {"large", {{"deep", json::array({1, 2.5})}}}}}};

TEST(Cutter, KeepsAnObjectAsItIs) {
  const RawObject raw = Cutter{}.cut(kObject.dump(2));
  EXPECT_EQ(raw.read(), kObject);
  EXPECT_EQ(raw.key, (Key{"ns", "a"}));
  EXPECT_EQ(raw.resource_version, "7");
  EXPECT_EQ(raw.label("app"), "x\"y");
  EXPECT_EQ(raw.label("absent"), "");
}

TEST(Cutter, LeavesOutBookkeeping) {
  json expected = kObject;
  expected["metadata"].erase("managedFields");
  expected["metadata"]["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
  EXPECT_EQ(Cutter{bookkeeping()}.cut(kObject.dump()).read(), expected);
}

TEST(Cutter, LeavesOutFieldsByPath) {
  json expected = kObject;
  expected["data"]["large"].erase("deep");
  EXPECT_EQ(
      Cutter(FieldPaths{{"data", "large", "deep"}, {"no", "such"}}).cut(kObject.dump()).read(),
      expected);
  expected.erase("data");
  EXPECT_EQ(Cutter(FieldPaths{{"data"}}).cut(kObject.dump()).read(), expected);
}

TEST(Cutter, APathThroughWhatIsNoObjectCutsNothing) {
  const json object = {{"metadata", {{"name", "a"}}}, {"data", "text"}};
  EXPECT_EQ(Cutter(FieldPaths{{"data", "x"}}).cut(object.dump()).read(), object);
}

TEST(Cutter, APageNamesWhatItsItemsAre) {
  const json list = {{"metadata", {{"resourceVersion", "9"}, {"continue", "more"}}},
                     {"items", json::array({{{"metadata", {{"name", "a"}}}}})}};
  const Cutter::Page page = Cutter{}.cut_page(list.dump(), kinds::kDeployment);
  EXPECT_EQ(page.resource_version, "9");
  EXPECT_EQ(page.next, "more");
  ASSERT_EQ(page.items.size(), 1U);
  EXPECT_EQ(page.items[0].read().at("apiVersion"), "apps/v1");
  EXPECT_EQ(page.items[0].read().at("kind"), "Deployment");
}

TEST(Cutter, NonsenseIsRefused) {
  for (const char* text : {"", "nonsense", "[1]", "{\"a\":", "\"text\""}) {
    EXPECT_THROW(Cutter{}.cut(text), std::runtime_error) << text;
    EXPECT_THROW(Cutter{}.cut_event(text, kinds::kPod), std::runtime_error) << text;
  }
}

TEST(ParsedObject, IsWhatTheOtherParserMakesOfIt) {
  for (const std::string text :
       {R"({})",
        R"( {"b": 1, "a": [1, -2, 3.5, 1e3, true, false, null, "x\u00e9\ud83d\ude00", {}, []]} )",
        R"({"twice": 1, "twice": 2})",
        R"({"big": 18446744073709551615, "small": -9223372036854775808})",
        R"({"bigger": 18446744073709551616, "exact": 0.1, "zero": -0})"}) {
    const json expected = json::parse(text);
    const json parsed = parsed_object(text);
    EXPECT_EQ(parsed, expected) << text;
    EXPECT_EQ(parsed.dump(), expected.dump()) << text;
  }
}

TEST(ParsedObject, NothingButAnObjectIsOne) {
  for (const char* text : {"", "[]", "1", "{", "{} {}", "{\"a\":nul}", "{\"a\":tru}", "{\"a\":1,}",
                           "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}"}) {
    EXPECT_TRUE(parsed_object(text).is_null()) << text;
  }
}

}  // namespace
}  // namespace alphorn::kube
