#include "api/company_homeserver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alphorn::api {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

json minimal() {
  return {
      {"apiVersion", "alphorn.dev/v1alpha1"},
      {"kind", "CompanyHomeserver"},
      {"metadata", {{"name", "acme"}, {"namespace", "acme"}, {"uid", "u-1"}, {"generation", 3}}},
      {"spec", {{"serverName", "acme.example"}, {"version", "1.163.2"}}}};
}

TEST(CompanyHomeserver, FillsInDefaults) {
  const CompanyHomeserver tenant = company_homeserver_from(minimal());
  EXPECT_EQ(tenant.name, "acme");
  EXPECT_EQ(tenant.ns, "acme");
  EXPECT_EQ(tenant.uid, "u-1");
  EXPECT_EQ(tenant.generation, 3);
  EXPECT_FALSE(tenant.deleting);
  EXPECT_EQ(tenant.spec.matrix_host, "matrix.acme.example");
  EXPECT_EQ(tenant.spec.administrator, "admin");
  EXPECT_EQ(tenant.spec.media, (Storage{.size = "10Gi", .storage_class = ""}));
  EXPECT_EQ(tenant.spec.database, (Storage{.size = "5Gi", .storage_class = ""}));
  EXPECT_EQ(tenant.spec.max_upload_size, "100M");
  EXPECT_EQ(tenant.spec.exposure.mode, Exposure::Mode::none);
  EXPECT_EQ(tenant.spec.federation, Federation{});
  EXPECT_EQ(tenant.spec.encrypted_rooms, EncryptedRooms::invite);
  EXPECT_FALSE(tenant.spec.paused);
}

TEST(CompanyHomeserver, DerivesTheMatrixHostWithoutThePort) {
  json object = minimal();
  object["spec"]["serverName"] = "acme.example:8448";
  EXPECT_EQ(company_homeserver_from(object).spec.matrix_host, "matrix.acme.example");
}

TEST(CompanyHomeserver, KeepsDefaultsForResourcesNotGiven) {
  json object = minimal();
  object["spec"]["homeserver"]["resources"]["limits"]["memory"] = "2048Mi";
  object["spec"]["homeserver"]["resources"]["limits"]["cpu"] = 4;
  const json expected = {{"requests", {{"cpu", "100m"}, {"memory", "256Mi"}}},
                         {"limits", {{"cpu", "4"}, {"memory", "2Gi"}}}};
  EXPECT_EQ(company_homeserver_from(object).spec.homeserver_resources, expected);
}

TEST(CompanyHomeserver, KnowsThatItIsBeingDeleted) {
  json object = minimal();
  object["metadata"]["deletionTimestamp"] = "2026-11-22T13:45:00Z";
  EXPECT_TRUE(company_homeserver_from(object).deleting);
}

TEST(CompanyHomeserver, ReadsAnythingWithoutThrowing) {
  for (const json& object : {json(nullptr), json("text"), json::array({1}), json::object(),
                             json{{"metadata", 1}, {"spec", json::array({2})}, {"status", "x"}}}) {
    EXPECT_THAT(validate(company_homeserver_from(object)), testing::Not(IsEmpty()));
  }
}

TEST(Validate, NamesTheFieldAndTheRemedy) {
  json object = minimal();
  object["spec"]["channel"] = "stable";
  EXPECT_THAT(
      validate(company_homeserver_from(object)),
      Contains(Field(&Violation::message, HasSubstr("exactly one of version and channel"))));
}

TEST(Validate, AcceptsContactsInOtherScriptsAndRefusesControlCharacters) {
  json object = minimal();
  for (const char* contact : {"it@acme.example", "b\u00fcro@b\u00fccher.example", "\u00a2@a.b"}) {
    object["spec"]["company"]["contact"] = contact;
    EXPECT_THAT(validate(company_homeserver_from(object)), IsEmpty()) << contact;
  }
  for (const char* contact :
       {"i\tt@a.b", "it\x7f@a.b", "it\u0080@a.b", "it@a\u009f.b", "it@a.b\u0085"}) {
    object["spec"]["company"]["contact"] = contact;
    EXPECT_THAT(validate(company_homeserver_from(object)),
                Contains(Field(&Violation::field, "spec.company.contact")))
        << contact;
  }
}

TEST(Validate, RefusesAmountsThatTheApiServerWouldStoreAsOthers) {
  json object = minimal();
  object["spec"]["database"]["size"] = "8000P";
  EXPECT_THAT(validate(company_homeserver_from(object)), IsEmpty());
  object["spec"]["database"]["size"] = "8001P";
  EXPECT_THAT(validate(company_homeserver_from(object)),
              Contains(Field(&Violation::field, "spec.database.size")));
}

TEST(Validate, RefusesServerNamesThatAreTooLong) {
  json object = minimal();
  const std::string label(60, 'a');
  object["spec"]["serverName"] = label + "." + label + "." + label + "." + label + ".example";
  EXPECT_THAT(validate(company_homeserver_from(object)),
              Contains(Field(&Violation::field, "spec.serverName")));
}

}  // namespace
}  // namespace alphorn::api
