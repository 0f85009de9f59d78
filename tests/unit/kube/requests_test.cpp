#include "kube/requests.hpp"

#include <gmock/gmock.h>

#include "support/scripted_transport.hpp"

namespace alphorn::kube::requests {
namespace {

using kinds::kNamespace;
using kinds::kPod;
using kinds::kStatefulSet;
using test::event_line;
using Type = WatchEvent::Type;

json manifest(const std::string& ns, const std::string& name) {
  return {{"metadata", {{"namespace", ns}, {"name", name}}}};
}

TEST(Requests, AddressObjectsByGroupAndScope) {
  EXPECT_EQ(get({kPod, "acme", "web"}).target, "/api/v1/namespaces/acme/pods/web");
  EXPECT_EQ(get({kNamespace, "", "acme"}).target, "/api/v1/namespaces/acme");
  EXPECT_EQ(get({kStatefulSet, "acme", "a b/c"}).target,
            "/apis/apps/v1/namespaces/acme/statefulsets/a%20b%2Fc");
}

TEST(Requests, NeverAddressAWholeCollectionByAccident) {
  EXPECT_THROW(remove({kPod, "acme", ""}, {}), std::invalid_argument);
  EXPECT_THROW(remove({kPod, "", "web"}, {}), std::invalid_argument);
  EXPECT_THROW(apply(kPod, manifest("acme", ""), {}), std::invalid_argument);
  EXPECT_THROW(create(kPod, manifest("", "web"), DryRun::no), std::invalid_argument);
}

TEST(Requests, ListAsksForPages) {
  EXPECT_EQ(list(kPod, {.label_selector = "a=b,c", .resource_version = "0"}).target,
            "/api/v1/pods?labelSelector=a%3Db%2Cc&limit=500&resourceVersion=0");
  EXPECT_EQ(list(kPod, {.ns = "acme", .resource_version = "0"}, "t+k").target,
            "/api/v1/namespaces/acme/pods?limit=500&continue=t%2Bk");
}

TEST(Requests, WatchAsksForBookmarks) {
  EXPECT_EQ(watch(kPod, {.ns = "acme", .resource_version = "7"}).target,
            "/api/v1/namespaces/acme/pods?watch=true&allowWatchBookmarks=true&resourceVersion=7"
            "&timeoutSeconds=300");
}

TEST(Requests, ApplyIsStrictAndNamesItsManager) {
  const auto request =
      apply(kPod, manifest("acme", "web"),
            {.field_manager = "alphorn", .dry_run = DryRun::yes, .subresource = "status"});
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.target,
            "/api/v1/namespaces/acme/pods/web/status?fieldManager=alphorn&force=true&dryRun=All"
            "&fieldValidation=Strict");
  EXPECT_EQ(request.headers.at("Content-Type"), "application/apply-patch+yaml");
}

TEST(Requests, DeleteCarriesItsPreconditions) {
  const auto request = remove({kPod, "acme", "web"}, {.uid = "u", .resource_version = "7"});
  EXPECT_EQ(json::parse(request.body).at("preconditions"),
            (json{{"uid", "u"}, {"resourceVersion", "7"}}));
  EXPECT_EQ(json::parse(request.body).at("propagationPolicy"), "Background");
}

WatchEvent watch_event(const std::string& line) {
  return requests::watch_event(line, Cutter{}, kinds::kPod);
}

TEST(WatchLines, AreDecoded) {
  json pod = manifest("acme", "web");
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  EXPECT_EQ(watch_event(event_line("ADDED", pod)).type, Type::added);
  EXPECT_EQ(watch_event(event_line("MODIFIED", pod)).type, Type::modified);
  EXPECT_EQ(watch_event(event_line("DELETED", pod)).object.read(), pod);
  EXPECT_EQ(watch_event(event_line("BOOKMARK", pod)).type, Type::bookmark);
}

TEST(WatchLines, AnErrorIsThrownAsTheApisError) {
  try {
    watch_event(event_line("ERROR", test::status_object(410, "Expired", "too old")));
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_TRUE(error.is_expired());
    EXPECT_STREQ(error.what(), "too old");
  }
}

TEST(WatchLines, NonsenseIsNoEvent) {
  for (const char* line :
       {"", "{", "[]", "{}", "{\"type\":\"ADDED\"}", "{\"type\":\"X\",\"object\":{}}"}) {
    EXPECT_THROW(watch_event(line), std::runtime_error) << line;
  }
}

}  // namespace
}  // namespace alphorn::kube::requests
