// What the API server itself says about crds/samples and crds/rejected.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/company_directory.hpp"
#include "api/company_homeserver.hpp"
#include "contract/cluster.hpp"
#include "support/source_dir.hpp"

namespace alphorn::contract {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kNamespace = "contract-api";

class Schema : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ensure_definitions();
    ensure_namespace(kNamespace);
  }
};

/// Samples are of either kind.
kube::Kind kind_of_resource(const json& object) {
  return string_at(object, "kind") == kCompanyDirectory.name ? kCompanyDirectory
                                                             : kCompanyHomeserver;
}

json in_namespace(json object) {
  object["metadata"]["namespace"] = kNamespace;
  return object;
}

/// What the API server answers to a new object; the refusal's text, or "" when it is accepted.
std::string refusal_of_new(const json& object) {
  try {
    cluster()->create(kind_of_resource(object), object, kube::DryRun::yes);
    return "";
  } catch (const kube::ApiError& error) {
    return error.what();
  }
}

/// The same for `after` applied over `before`.
std::string refusal_of_change(const json& before, const json& after) {
  const kube::ApplyOptions options{.field_manager = "contract-test"};
  const kube::Kind kind = kind_of_resource(after);
  const json made = cluster()->apply(kind, before, options).read();
  std::string refusal;
  try {
    cluster()->apply(kind, after, options);
  } catch (const kube::ApiError& error) {
    refusal = error.what();
  }
  cluster()->remove({kind, kNamespace, string_at(made, "metadata/name")}, {});
  return refusal;
}

TEST_F(Schema, AcceptsEverySample) {
  ASSERT_THAT(yaml_files("crds/samples"), Not(IsEmpty()));
  for (const auto& path : yaml_files("crds/samples")) {
    for (const json& sample : documents(path)) {
      EXPECT_EQ(refusal_of_new(in_namespace(sample)), "") << path;
    }
  }
}

TEST_F(Schema, RefusesEveryRejectedObjectInWordsForPeople) {
  ASSERT_THAT(yaml_files("crds/rejected"), Not(IsEmpty()));
  for (const auto& path : yaml_files("crds/rejected")) {
    const std::vector<json> list = documents(path);
    const json last = in_namespace(list.back());
    const std::string expected =
        at_path(last, "metadata/annotations").at("alphorn.dev/expected").get<std::string>();
    const std::string refusal =
        list.size() == 1 ? refusal_of_new(last) : refusal_of_change(in_namespace(list[0]), last);
    EXPECT_THAT(refusal, HasSubstr(expected)) << path;
  }
}

TEST_F(Schema, HasTheDefaultsThatTheOperatorHas) {
  for (const auto& path : yaml_files("crds/samples")) {
    const json sample = in_namespace(documents(path).at(0));
    if (kind_of_resource(sample) == kCompanyDirectory) continue;
    const json stored = cluster()->create(kCompanyHomeserver, sample, kube::DryRun::yes).read();
    EXPECT_EQ(api::company_homeserver_from(stored).spec, api::company_homeserver_from(sample).spec)
        << path;
  }
}

/// Just more (step 1) or just less (-1) than an amount of a size: 2, 500m, 256Mi or 1Gi.
std::string beside(const std::string& amount, int step) {
  const int number = std::stoi(amount);
  if (amount.ends_with("Gi")) return std::to_string(number * 1024 + step) + "Mi";
  if (amount.ends_with("Mi")) return std::to_string(number + step) + "Mi";
  return std::to_string(amount.ends_with("m") ? number + step : number * 1000 + step) + "m";
}

/// Where resources stand in the resource, and what the operator takes where nothing is given.
std::map<std::string, json> resources_of_size(const std::string& size) {
  const api::CompanyHomeserverSpec spec =
      api::company_homeserver_from({{"spec", {{"serverName", "acme.example"}, {"size", size}}}})
          .spec;
  return {{"/spec/homeserver/resources", spec.homeserver_resources},
          {"/spec/homeserver/workers/resources", spec.workers.resources},
          {"/spec/database/resources", spec.database_resources}};
}

TEST_F(Schema, KnowsTheAmountsThatTheOperatorTakesForEachSize) {
  const json minimal =
      in_namespace({{"apiVersion", "alphorn.dev/v1alpha1"},
                    {"kind", "CompanyHomeserver"},
                    {"metadata", {{"name", "acme"}}},
                    {"spec", {{"serverName", "acme.example"}, {"channel", "stable"}}}});
  for (const char* size : {"small", "medium", "large"}) {
    for (const auto& [path, resources] : resources_of_size(size)) {
      for (const char* what : {"/cpu", "/memory"}) {
        const auto refusal_of = [&](const char* which, const std::string& amount) {
          json object = minimal;
          object["spec"]["size"] = size;
          object[json::json_pointer(path + which + what)] = amount;
          return refusal_of_new(object);
        };
        const std::string least = resources.at("requests").at(what + 1);
        const std::string most = resources.at("limits").at(what + 1);
        const std::string where = size + path + what;
        EXPECT_EQ(refusal_of("/requests", most), "") << where;
        EXPECT_EQ(refusal_of("/limits", least), "") << where;
        EXPECT_THAT(refusal_of("/requests", beside(most, 1)), HasSubstr("must not exceed"))
            << where;
        EXPECT_THAT(refusal_of("/limits", beside(least, -1)), HasSubstr("must not exceed"))
            << where;
      }
    }
  }
}

/// Of a directory's document the program that reads it knows more than a schema could.
TEST_F(Schema, KeepsADirectorysDocumentAsItIs) {
  const json sample = in_namespace(documents(source_dir() + "/crds/samples/directory.yaml").at(0));
  const json stored = cluster()->create(kCompanyDirectory, sample, kube::DryRun::yes).read();
  EXPECT_EQ(api::company_directory_from(stored).document,
            api::company_directory_from(sample).document);
  EXPECT_EQ(api::company_directory_from(stored).schedule,
            api::company_directory_from(sample).schedule);
}

TEST_F(Schema, ExplainsEveryField) {
  bool is_of_directory = false;
  const std::function<void(const json&, const std::string&)> visit = [&](const json& schema,
                                                                         const std::string& path) {
    const json& type = at_path(schema, "type");
    if (type == "string" && !schema.contains("enum") && !schema.contains("format")) {
      EXPECT_TRUE(schema.contains("maxLength") || path == "/apiVersion" || path == "/kind") << path;
    }
    EXPECT_TRUE(type != "array" || schema.contains("maxItems")) << path;
    EXPECT_TRUE(!schema.contains("x-kubernetes-preserve-unknown-fields") || is_of_directory)
        << path;
    for (const auto& [name, field] : at_path(schema, "properties").items()) {
      EXPECT_TRUE(field.contains("description") || path + "/" + name == "/metadata")
          << path << "/" << name;
      visit(field, path + "/" + name);
    }
    if (schema.contains("items")) visit(schema.at("items"), path + "[]");
  };
  for (const auto& path : yaml_files("crds")) {
    const json definition = documents(path).at(0);
    is_of_directory = string_at(definition, "spec/names/kind") == kCompanyDirectory.name;
    visit(at_path(definition, "spec/versions").at(0).at("schema").at("openAPIV3Schema"), "");
  }
}

}  // namespace
}  // namespace alphorn::contract
