// How tenants are, as series.
#include "homeserver/tenant_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace alphorn::homeserver {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

json tenant(bool ready) {
  const json conditions = json::array(
      {{{"type", "Ready"},
        {"status", ready ? "True" : "False"},
        {"reason", ready ? "Serving" : "KeysNotReady"}},
       {{"type", "Stalled"}, {"status", ready ? "False" : "True"}, {"reason", "KeysLost"}}});
  return {{"metadata", {{"name", "acme"}, {"namespace", "a"}, {"generation", 3}}},
          {"spec", {{"serverName", "acme.example"}}},
          {"status",
           {{"observedGeneration", ready ? 3 : 2},
            {"version", "1.163.2"},
            {"certificate", {{"notAfter", "2027-01-01T00:00:00Z"}}},
            {"conditions", conditions}}}};
}

void put(controller::Store& store, json object, const std::string& version) {
  object["metadata"]["resourceVersion"] = version;
  store.put(kube::RawObject{
      .key = {.ns = "a", .name = "acme"}, .resource_version = version, .text = object.dump()});
}

std::string series(const TenantMetrics& metrics) {
  return prometheus::TextSerializer{}.Serialize(metrics.collect());
}

TEST(TenantMetrics, TellHowATenantIs) {
  controller::Store store;
  const TenantMetrics metrics{[&store] { return store.list(); }};
  put(store, tenant(true), "1");
  std::string text = series(metrics);
  const std::string labels = R"({namespace="a",name="acme")";
  EXPECT_THAT(text, HasSubstr("alphorn_tenant_info" + labels +
                              R"(,server_name="acme.example",version="1.163.2"} 1)"));
  EXPECT_THAT(text, HasSubstr("alphorn_tenant_ready" + labels + "} 1"));
  EXPECT_THAT(text, HasSubstr("alphorn_tenant_up_to_date" + labels + "} 1"));
  EXPECT_THAT(text, HasSubstr("alphorn_tenant_certificate_expiry_timestamp_seconds" + labels +
                              "} 1798761600"));
  EXPECT_THAT(text, Not(HasSubstr("reason=")));

  put(store, tenant(false), "2");
  text = series(metrics);
  EXPECT_THAT(text, HasSubstr("alphorn_tenant_ready" + labels + "} 0"));
  EXPECT_THAT(text, HasSubstr("alphorn_tenant_stalled" + labels + "} 1"));
  EXPECT_THAT(text, HasSubstr("alphorn_tenant_up_to_date" + labels + "} 0"));
  EXPECT_THAT(
      text, HasSubstr("alphorn_tenant_not_ready_reason" + labels + R"(,reason="KeysNotReady"} 1)"));
}

TEST(TenantMetrics, TellOfBackupsOnlyWhereTheyAreAskedFor) {
  controller::Store store;
  const TenantMetrics metrics{[&store] { return store.list(); }};
  json object = tenant(true);
  put(store, object, "1");
  EXPECT_THAT(series(metrics), Not(HasSubstr("alphorn_backup_healthy{")));

  object["metadata"]["creationTimestamp"] = "2026-11-27T00:00:00Z";
  object["spec"]["backup"] = json::object();
  object["status"]["conditions"].push_back(
      {{"type", "BackupHealthy"}, {"status", "False"}, {"reason", "NoBackupYet"}});
  put(store, object, "2");
  const std::string labels = R"({namespace="a",name="acme"})";
  std::string text = series(metrics);
  EXPECT_THAT(text, HasSubstr("alphorn_backup_healthy" + labels + " 1"));
  EXPECT_THAT(text,
              HasSubstr("alphorn_backup_last_success_timestamp_seconds" + labels + " 1795737600"));

  object["status"]["conditions"].back()["reason"] = "BackupFailed";
  object["status"]["backup"] = {{"lastSuccess", "2026-11-27T02:00:00Z"}, {"bytes", 4096}};
  put(store, object, "3");
  text = series(metrics);
  EXPECT_THAT(text, HasSubstr("alphorn_backup_healthy" + labels + " 0"));
  EXPECT_THAT(text, HasSubstr("alphorn_backup_size_bytes" + labels + " 4096"));
}

TEST(TenantMetrics, ATenantThatIsGoneLeavesNoSeries) {
  controller::Store store;
  const TenantMetrics metrics{[&store] { return store.list(); }};
  put(store, tenant(true), "1");
  EXPECT_THAT(series(metrics), HasSubstr("acme"));
  store.erase({.ns = "a", .name = "acme"});
  EXPECT_THAT(series(metrics), Not(HasSubstr("acme")));
}

TEST(TenantMetrics, ANewTenantIsNotReady) {
  controller::Store store;
  const TenantMetrics metrics{[&store] { return store.list(); }};
  put(store, {{"metadata", {{"generation", 1}}}, {"spec", {{"serverName", "x"}}}}, "1");
  EXPECT_THAT(series(metrics), HasSubstr(R"(reason="Unseen"} 1)"));
}

}  // namespace
}  // namespace alphorn::homeserver
