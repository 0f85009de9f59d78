#include <gtest/gtest.h>

#include <stdexcept>

#include "base/json.hpp"

namespace alphorn {
namespace {

TEST(YamlWriter, LooksLikeAManifest) {
  const json manifest = {
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata", {{"labels", {{"app.kubernetes.io/name", "synapse"}}}, {"name", "acme"}}},
      {"spec",
       {{"containers",
         json::array({{{"args", json::array({"--config", "/x"})}, {"name", "main"}}})},
        {"replicas", 1},
        {"volumes", json::array()},
        {"emptyDir", json::object()}}}};
  EXPECT_EQ(to_yaml(manifest), R"(apiVersion: v1
kind: Pod
metadata:
  labels:
    app.kubernetes.io/name: synapse
  name: acme
spec:
  containers:
  - args:
    - "--config"
    - /x
    name: main
  emptyDir: {}
  replicas: 1
  volumes: []
)");
}

TEST(YamlWriter, QuotesWhatAnotherReaderWouldTakeForSomethingElse) {
  for (const char* text :
       {"yes", "No",   "ON",   "y",    "true",     "null",       "~",     "",   "1.0",
        "1",   "0x1f", "0o7",  "1e3",  "12:30:45", "2026-11-22", "1_000", ".5", ".inf",
        "-",   "- a",  "a: b", "a #b", "#a",       "*a",         "&a",    "!a", "%a",
        "@a",  "`a",   "{a}",  "[a]",  "a:",       " a",         "a ",    "\"", "'a'",
        "<<",  "=",    "|",    ">",    "?",        "a\tb",       "\r\n",  "ü"}) {
    const std::string yaml = to_yaml(json(text));
    EXPECT_EQ(yaml.front(), '"') << yaml;
    EXPECT_EQ(from_yaml(yaml), json(text)) << yaml;
  }
}

TEST(YamlWriter, IsPrintableAsciiWhateverTheText) {
  const json value = {{"d\u00e9f\u007f", "it\u007f@\u0085\u2028\ufeff\U0001f600\U0010fffe"}};
  const std::string yaml = to_yaml(value);
  EXPECT_EQ(yaml,
            "\"d\\u00e9f\\u007f\": \"it\\u007f@\\u0085\\u2028\\ufeff\\U0001f600\\U0010fffe\"\n");
  EXPECT_EQ(from_yaml(yaml), value);
}

TEST(YamlWriter, RefusesWhatIsNotUtf8) { EXPECT_THROW(to_yaml(json("\xff")), json::type_error); }

TEST(YamlWriter, LeavesHarmlessStringsPlain) {
  for (const char* text : {"acme", "localhost/alphorn/synapse:v1.163.2", "/data/media", "a-b_c.d",
                           "matrix.acme.example", "don't", "Acme SA"}) {
    EXPECT_EQ(to_yaml(json(text)), std::string{text} + "\n");
  }
}

TEST(YamlWriter, WritesSeveralLinesAsALiteralBlock) {
  EXPECT_EQ(to_yaml(json{{"config", "a: 1\nb: |\n  x\n"}}), "config: |\n  a: 1\n  b: |\n    x\n");
  EXPECT_EQ(to_yaml(json{{"config", "a\nb"}}), "config: |-\n  a\n  b\n");
  EXPECT_EQ(to_yaml(json{{"config", "a\n\nb\n\n"}}), "config: |+\n  a\n\n  b\n\n");
}

TEST(YamlWriter, EveryShapeOfTextRoundTrips) {
  for (const char* text : {"a\nb", "a\nb\n", "a\n\n\n", "\na", " a\nb", "a\n b\n", "a \n  \nb",
                           "\n", "a\r\nb", "# a\n- b\n", "---\na\n...\n", "ü\nö\n", "a\tb\nc"}) {
    const json nested = {{"key", text}, {"list", json::array({text, {{"deep", text}}})}};
    EXPECT_EQ(from_yaml(to_yaml(nested)), nested) << to_yaml(nested);
    EXPECT_EQ(from_yaml(to_yaml(json(text))), json(text)) << to_yaml(json(text));
  }
}

TEST(YamlWriter, NumbersStayNumbers) {
  const json numbers = json::array({1, -5, 1.5, 1e25, 1.0, 18446744073709551615ULL, true, nullptr});
  EXPECT_EQ(from_yaml(to_yaml(numbers)), numbers);
  EXPECT_EQ(to_yaml(json(1e25)), "1.0e+25\n");
}

TEST(YamlWriter, ListsInListsRoundTrip) {
  const json value = json::array({json::array({1, json::array({"a", json::object()})}), "b"});
  EXPECT_EQ(from_yaml(to_yaml(value)), value) << to_yaml(value);
}

TEST(YamlReader, PlainScalarsFollowTheCoreSchema) {
  const json read = from_yaml(
      "{a: yes, b: true, c: 010, d: 0x1f, e: 1e3, f: ~, g: 1.5, h: 0o17, "
      "i: -3, j: 1.2.3, k: '1', l: \"true\", m: !!str 5, n: , o: +4}");
  EXPECT_EQ(read, (json{{"a", "yes"},
                        {"b", true},
                        {"c", 10},
                        {"d", 31},
                        {"e", 1000.0},
                        {"f", nullptr},
                        {"g", 1.5},
                        {"h", 15},
                        {"i", -3},
                        {"j", "1.2.3"},
                        {"k", "1"},
                        {"l", "true"},
                        {"m", "5"},
                        {"n", nullptr},
                        {"o", 4}}));
}

TEST(YamlReader, AnchorsAreFollowed) {
  EXPECT_EQ(from_yaml("a: &x {k: 1}\nb: *x\n"), (json{{"a", {{"k", 1}}}, {"b", {{"k", 1}}}}));
}

std::string refusal(const std::string& text) {
  try {
    return from_yaml(text).dump();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(YamlReader, RefusalsNameLineAndColumn) {
  EXPECT_EQ(refusal("a: 1\nb: 2\na: 3\n"), "line 3, column 1: the key \"a\" appears twice");
  EXPECT_EQ(refusal("a: [1\n").substr(0, 6), "line 2");
  EXPECT_EQ(refusal("a: 1\n---\nb: 2\n"), "line 2, column 1: a second document; one is expected");
  EXPECT_EQ(refusal("a: .inf"), "line 1, column 4: .inf has no JSON form");
  EXPECT_EQ(refusal("a: !secret x"), "line 1, column 4: the tag !secret is not known");
}

TEST(YamlReader, SelfReferenceEnds) {
  EXPECT_NE(refusal("a: &x [*x]").find("too deep"), std::string::npos);
}

TEST(YamlReader, AnEmptyTextIsNull) { EXPECT_TRUE(from_yaml("# nothing\n").is_null()); }

}  // namespace
}  // namespace alphorn
