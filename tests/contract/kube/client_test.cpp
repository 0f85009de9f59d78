#include <gmock/gmock.h>

#include "support/cluster.hpp"

namespace alphorn::kube {
namespace {

using kinds::kConfigMap;
using test::config_map;

class AgainstApiServer : public testing::Test {
 protected:
  static json applied(const json& manifest, const std::string& manager = "tester",
                      Force force = Force::yes) {
    return client_->apply(kConfigMap, manifest, {.field_manager = manager, .force = force}).read();
  }
  static ObjectRef ref(const std::string& name) { return {kConfigMap, ns_, name}; }

  static void SetUpTestSuite() {
    client_ = test::client();
    ns_ = test::fresh_namespace(*client_, "client");
  }
  static void TearDownTestSuite() { client_.reset(); }

  static inline std::shared_ptr<Client> client_;
  static inline std::string ns_;
};

TEST_F(AgainstApiServer, AbsenceIsNothing) { EXPECT_EQ(client_->get(ref("absent")), std::nullopt); }

TEST_F(AgainstApiServer, ATokenWorksAsWell) {
  const auto by_token = kubeconfig_client(test::kubeconfig_path() + "-token");
  EXPECT_TRUE(by_token->get({kinds::kNamespace, "", "default"}).has_value());
}

TEST_F(AgainstApiServer, AWrongTokenIsUnauthorized) {
  auto config = test::kubeconfig();
  config.endpoint.client_certificate_pem.clear();
  config.endpoint.client_key_pem = Secret{};
  int dropped = 0;
  const Client stranger{http::make_transport(config.endpoint),
                        [](http::Headers& headers) { headers["Authorization"] = "Bearer wrong"; },
                        Client::Environment{.unauthorized = [&] { ++dropped; }}};
  try {
    stranger.get({kinds::kNamespace, "", "default"});
    FAIL() << "a wrong token was accepted";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 401);
    EXPECT_EQ(error.reason(), "Unauthorized");
  }
  EXPECT_EQ(dropped, 2);
}

TEST_F(AgainstApiServer, ApplyCreatesThenChanges) {
  const json first = applied(config_map(ns_, "applied", {{"a", "1"}, {"b", "2"}}));
  const json second = applied(config_map(ns_, "applied", {{"a", "3"}}));
  EXPECT_EQ(second.at("data"), (json{{"a", "3"}})) << "a field that is no longer applied must go";
  EXPECT_EQ(first.at("metadata").at("uid"), second.at("metadata").at("uid"));
  const json third = applied(config_map(ns_, "applied", {{"a", "3"}}));
  EXPECT_EQ(string_at(second, "metadata/resourceVersion"),
            string_at(third, "metadata/resourceVersion"));
}

TEST_F(AgainstApiServer, ApplyKeepsForeignFieldsAndConflictsWithoutForce) {
  applied(config_map(ns_, "shared", {{"mine", "1"}}), "me");
  applied(config_map(ns_, "shared", {{"theirs", "1"}}), "they");
  EXPECT_EQ(client_->get(ref("shared"))->at("data"), (json{{"mine", "1"}, {"theirs", "1"}}));
  try {
    applied(config_map(ns_, "shared", {{"mine", "2"}}), "they", Force::no);
    FAIL() << "a foreign field was taken without force";
  } catch (const ApiError& error) {
    EXPECT_TRUE(error.is_conflict()) << error.what();
  }
}

TEST_F(AgainstApiServer, AnApplyThatOnlyCreatesTakesNothingOver) {
  const ApplyOptions only_create{.field_manager = "tester", .only_create = true};
  const json manifest = config_map(ns_, "theirs", {{"a", "1"}});
  const RawObject made = client_->apply(kConfigMap, manifest, only_create);
  EXPECT_NE(made.resource_version, "1");
  try {
    client_->apply(kConfigMap, config_map(ns_, "theirs", {{"a", "2"}}), only_create);
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_TRUE(error.is_conflict()) << error.what();
  }
  EXPECT_EQ(string_at(*client_->get(ref("theirs")), "data/a"), "1");
  // Made by apply, so that a later apply can take fields away again.
  applied(config_map(ns_, "theirs", json::object()));
  EXPECT_TRUE(at_path(*client_->get(ref("theirs")), "data/a").is_null());
}

TEST_F(AgainstApiServer, MetadataAloneCanBeAskedFor) {
  client_->create(kConfigMap, config_map(ns_, "large", {{"a", "1"}}));
  const auto items = client_->list(kConfigMap, {.ns = ns_, .metadata_only = true}).items;
  ASSERT_FALSE(items.empty());
  for (const RawObject& item : items) {
    EXPECT_FALSE(item.read().contains("data"));
    EXPECT_EQ(item.read().at("kind"), "ConfigMap");
  }
}

TEST_F(AgainstApiServer, AnUnknownFieldIsRefusedByName) {
  json wrong = config_map(ns_, "typo", {{"a", "1"}});
  wrong["dta"] = {{"a", "1"}};
  const auto attempts = {
      std::function<void()>{[&] { client_->create(kConfigMap, wrong); }},
      std::function<void()>{[&] { applied(wrong); }},
  };
  for (const auto& attempt : attempts) {
    try {
      attempt();
      FAIL() << "an unknown field was accepted";
    } catch (const ApiError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("dta"));
    }
  }
  EXPECT_EQ(client_->get(ref("typo")), std::nullopt);
}

TEST_F(AgainstApiServer, ADryRunWritesNothing) {
  client_->apply(kConfigMap, config_map(ns_, "dry", {{"a", "1"}}),
                 {.field_manager = "tester", .dry_run = DryRun::yes});
  client_->create(kConfigMap, config_map(ns_, "dry", {{"a", "1"}}), DryRun::yes);
  EXPECT_EQ(client_->get(ref("dry")), std::nullopt);
}

TEST_F(AgainstApiServer, CreateTwiceAlreadyExists) {
  client_->create(kConfigMap, config_map(ns_, "once", {}));
  try {
    client_->create(kConfigMap, config_map(ns_, "once", {}));
    FAIL() << "created twice";
  } catch (const ApiError& error) {
    EXPECT_TRUE(error.already_exists());
    EXPECT_FALSE(error.is_conflict());
  }
}

TEST_F(AgainstApiServer, ReplaceOfAnOldVersionConflicts) {
  json object = client_->create(kConfigMap, config_map(ns_, "replaced", {{"a", "1"}})).read();
  json newer = object;
  newer["data"]["a"] = "2";
  client_->replace(kConfigMap, newer);
  object["data"]["a"] = "3";
  try {
    client_->replace(kConfigMap, object);
    FAIL() << "an old version was written";
  } catch (const ApiError& error) {
    EXPECT_TRUE(error.is_conflict());
  }
}

TEST_F(AgainstApiServer, DeleteHonoursPreconditionsAndAbsence) {
  const json object = client_->create(kConfigMap, config_map(ns_, "gone", {})).read();
  try {
    client_->remove(ref("gone"), {.uid = "00000000-0000-0000-0000-000000000000"});
    FAIL() << "another object's uid was accepted";
  } catch (const ApiError& error) {
    EXPECT_TRUE(error.is_conflict());
  }
  client_->remove(ref("gone"), {.uid = string_at(object, "metadata/uid"),
                                .resource_version = string_at(object, "metadata/resourceVersion")});
  EXPECT_EQ(client_->get(ref("gone")), std::nullopt);
  EXPECT_NO_THROW(client_->remove(ref("gone"), {}));
}

TEST_F(AgainstApiServer, ListFollowsPagesAndSaysWhatItemsAre) {
  for (int number = 0; number < 7; ++number) {
    json object = config_map(ns_, "page-" + std::to_string(number), {});
    object["metadata"]["labels"] = {{"test", "pages"}};
    client_->create(kConfigMap, object);
  }
  const ObjectList list =
      client_->list(kConfigMap, {.ns = ns_, .label_selector = "test=pages", .limit = 3});
  ASSERT_EQ(list.items.size(), 7U);
  EXPECT_FALSE(list.resource_version.empty());
  EXPECT_EQ(list.items.front().read().at("kind"), "ConfigMap");
  EXPECT_EQ(list.items.front().read().at("apiVersion"), "v1");
  const ObjectList one =
      client_->list(kConfigMap, {.ns = ns_, .field_selector = "metadata.name=page-3"});
  EXPECT_EQ(one.items.size(), 1U);
}

TEST_F(AgainstApiServer, AVersionOfTheFutureIsToldApart) {
  try {
    client_->list(kConfigMap, {.ns = ns_, .resource_version = "999999999", .limit = 0});
    FAIL() << "the future was listed";
  } catch (const ApiError& error) {
    EXPECT_TRUE(error.is_too_large_version()) << error.status() << " " << error.what();
  }
}

TEST_F(AgainstApiServer, StatusIsAppliedApart) {
  const json spec = {{"apiVersion", "v1"},
                     {"kind", "Service"},
                     {"metadata", {{"name", "web"}, {"namespace", ns_}}},
                     {"spec", {{"ports", json::array({{{"port", 80}}})}}}};
  client_->apply(kinds::kService, spec, {.field_manager = "tester"});
  const json status = {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", {{"name", "web"}, {"namespace", ns_}}},
      {"status",
       {{"conditions", json::array({{{"type", "Ready"},
                                     {"status", "True"},
                                     {"reason", "Tested"},
                                     {"message", ""},
                                     {"lastTransitionTime", "2026-11-22T13:45:00Z"}}})}}}};
  client_->apply(kinds::kService, status,
                 {.field_manager = "tester-status", .subresource = "status"});
  const json read = client_->get({kinds::kService, ns_, "web"}).value();
  EXPECT_EQ(at_path(read, "status/conditions").size(), 1U);
  EXPECT_EQ(read.at("spec").at("ports").size(), 1U);
}

}  // namespace
}  // namespace alphorn::kube
