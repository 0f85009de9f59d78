// Who logs in to the database: a new password that nobody notices, and a database of somebody else.
#include "homeserver/database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "manifests/database_login.hpp"
#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kLogin = "acme-database-login";
constexpr const char* kBrought = "database-password";

std::string check_of(const World& world) {
  for (const auto& [id, object] : world.children) {
    if (id.kind == "Job") return id.name;
  }
  return "";
}

void observe(World& world) { observe_login(world, kFormerLoginStays); }

/// One pass, looked at and carried out.
Plan pass(World& world) {
  observe(world);
  Plan plan = plan_of(world);
  for (const ComponentPlan& component : plan.components) {
    for (const Step& step : component.steps) carry_out(step, world);
  }
  for (const Step& step : plan.clean_up) carry_out(step, world);
  return plan;
}

void let_check_fail(World& world, const json& finding) {
  const std::string job = check_of(world);
  change(world, "Job", job, [](json& object) {
    object["status"]["conditions"] = json::array(
        {{{"type", "Failed"}, {"status", "True"}, {"lastTransitionTime", format_time(kNow)}}});
  });
  world.pods.clear();
  const json terminated = {{"exitCode", 1}, {"message", finding.dump()}};
  const json pod = {
      {"metadata", {{"name", job + "-x7k2p"}}},
      {"status",
       {{"containerStatuses",
         json::array({{{"name", "check"}, {"state", {{"terminated", terminated}}}}})}}}};
  world.pods.emplace_back(std::make_shared<const json>(pod));
}

World with_external_database() {
  World world = a_new_tenant();
  world.resource = api::company_homeserver_from(
      {{"metadata",
        {{"name", "acme"}, {"namespace", "acme"}, {"uid", "uid-of-acme"}, {"generation", 1}}},
       {"spec",
        {{"serverName", "acme.example"},
         {"version", "1.163.2"},
         {"database",
          {{"mode", "external"},
           {"external", {{"host", "db.example"}, {"secretRef", {{"name", kBrought}}}}}}}}}});
  world.tenant.spec = world.resource.spec;
  world.tenant.login = {};
  return world;
}

void bring(World& world, const std::string& password, const std::string& version) {
  world.children.insert_or_assign(
      ChildId{.kind = "Secret", .name = kBrought},
      std::make_shared<const json>(
          json{{"kind", "Secret"},
               {"metadata", {{"name", kBrought}, {"uid", "brought"}, {"resourceVersion", version}}},
               {"data", {{"password", base64_encode(password)}}}}));
}

TEST(NewPassword, IsTriedThenUsedThenTheFormerOneIsShutOut) {
  World world = a_running_tenant();
  EXPECT_EQ(login_in(*world.child("Secret", kLogin))->role, "synapse");
  world.resource.rotations["database-password"] = "because Bob left";

  pass(world);
  const auto drawn = *login_in(*world.child("Secret", kLogin));
  EXPECT_EQ(drawn.role, "synapse");
  EXPECT_EQ(drawn.next, "synapse_a");
  EXPECT_EQ(check_of(world).rfind("acme-check-", 0), 0U);
  EXPECT_EQ(string_at(login_status(world), "passwordRotation"), "");

  pass(world);  // the Job has logged in with it
  const auto used = *login_in(*world.child("Secret", kLogin));
  EXPECT_EQ(used.role, "synapse_a");
  EXPECT_EQ(used.former, "synapse");
  EXPECT_EQ(check_of(world), "");

  world.seen_at = kNow + kFormerLoginStays - seconds(1);
  pass(world);
  EXPECT_EQ(login_in(*world.child("Secret", kLogin))->former, "synapse");
  world.seen_at = kNow + kFormerLoginStays;
  pass(world);
  const auto done = *login_in(*world.child("Secret", kLogin));
  EXPECT_EQ(done.role, "synapse_a");
  EXPECT_EQ(done.former, "");
  EXPECT_FALSE(is_rotating(world));
  EXPECT_EQ(login_status(world),
            (json{{"login", "synapse_a"}, {"passwordRotation", "because Bob left"}}));
  EXPECT_TRUE(pass(world).empty());

  world.resource.rotations["database-password"] = "because Eve left";
  pass(world);
  EXPECT_EQ(login_in(*world.child("Secret", kLogin))->next, "synapse_b");
}

TEST(NewPassword, DisturbsNobody) {
  World world = a_running_tenant();
  world.resource.rotations["database-password"] = "1";
  for (int step = 0; step < 4; ++step) {
    const Plan plan = pass(world);
    for (const ComponentPlan& component : plan.components) {
      EXPECT_TRUE(component.readiness.ready) << plan;
      for (const Step& one : component.steps) EXPECT_TRUE(is_upkeep(one)) << describe(one);
    }
    const json status = summarize(world, plan, {}, kNow);
    EXPECT_EQ(reported(status, "Ready").status, "True");
    world.seen_at += seconds(200);
  }
  EXPECT_EQ(login_in(*world.child("Secret", kLogin))->role, "synapse_a");
}

TEST(NewPassword, IsNotUsedBeforeItWasTried) {
  World world = a_running_tenant();
  world.resource.rotations["database-password"] = "1";
  pass(world);
  let_check_fail(world, {{"reason", "DatabaseUnreachable"}, {"message", "cannot be resolved"}});
  EXPECT_TRUE(pass(world).empty());
  EXPECT_EQ(login_in(*world.child("Secret", kLogin))->role, "synapse");
  EXPECT_EQ(database_ready(world).reason, "RotatingPassword");
  EXPECT_THAT(database_ready(world).message, HasSubstr("cannot be resolved"));
  world.seen_at += seconds(10);
  pass(world);
  EXPECT_EQ(check_of(world), "");  // and then it is asked again
  pass(world);
  EXPECT_NE(check_of(world), "");
}

TEST(LoginSecret, KeepsPasswordsThatAreThereAndDrawsThoseThatAreNot) {
  World world = a_running_tenant();
  const json first = login_secret(world, login_wish(world), nullptr);
  EXPECT_EQ(base64_decode(first["data"]["synapse"].get<std::string>()), "x");
  EXPECT_THAT(base64_decode(first["data"]["pg_service.conf"].get<std::string>()),
              HasSubstr("[synapse]\ndbname=synapse\nhost=acme-database\nport=5432\nuser=synapse\n"
                        "password=x\n"));
  const LoginWish both = login_wish_of(world, {.role = "synapse", .next = "synapse_a"});
  const json second = login_secret(world, both, &first);
  EXPECT_EQ(second["data"]["synapse"], first["data"]["synapse"]);
  EXPECT_EQ(base64_decode(second["data"]["synapse_a"].get<std::string>()).size(), 48U);
  const LoginWish after = login_wish_of(world, {.role = "synapse_a"});
  const json third = login_secret(world, after, &second);
  EXPECT_FALSE(third["data"].contains("synapse"));
  EXPECT_THAT(base64_decode(third["data"]["pg_service.conf"].get<std::string>()),
              HasSubstr("user=synapse_a\npassword=" +
                        base64_decode(second["data"]["synapse_a"].get<std::string>()) + "\n"));
}

TEST(ExternalDatabase, IsCheckedBeforeAnythingStarts) {
  World world = with_external_database();
  converge(world);
  EXPECT_EQ(database_ready(world).reason, "DatabaseSecretMissing");
  EXPECT_THAT(database_ready(world).message,
              HasSubstr("kubectl label secret database-password alphorn.dev/tenant=acme"));
  EXPECT_EQ(check_of(world), "");
  bring(world, "secret", "1");
  pass(world);
  EXPECT_NE(check_of(world), "");
  let_check_fail(world, {{"reason", "DatabaseWrongLocale"}, {"message", "COLLATE en_US.utf8"}});
  EXPECT_EQ(database_ready(world).reason, "DatabaseWrongLocale");
  EXPECT_TRUE(pass(world).empty());
  EXPECT_EQ(world.child("Secret", kLogin), nullptr);
  EXPECT_EQ(world.child("StatefulSet", "acme-homeserver"), nullptr);
  const json status = summarize(world, plan_of(world), {}, kNow);
  EXPECT_EQ(reported(status, "Stalled").reason, "DatabaseWrongLocale");

  world.seen_at += seconds(10);
  converge(world);
  EXPECT_TRUE(database_ready(world).ready);
  EXPECT_NE(world.child("StatefulSet", "acme-homeserver"), nullptr);
  EXPECT_EQ(world.child("StatefulSet", "acme-database"), nullptr);
  EXPECT_EQ(world.child("PersistentVolumeClaim", "acme-database-data"), nullptr);
  EXPECT_EQ(world.child("Secret", "acme-database-keys"), nullptr);
}

TEST(ExternalDatabase, AnotherPasswordIsTriedBeforeItIsHandedOn) {
  World world = with_external_database();
  bring(world, "secret", "1");
  converge(world);
  const auto before = *login_in(*world.child("Secret", kLogin));
  const std::string checked = check_of(world);

  bring(world, "another", "2");
  observe(world);
  EXPECT_FALSE(world.database_is_checked);
  const Plan plan = plan_of(world);
  std::string steps;
  for (const ComponentPlan& component : plan.components) {
    for (const Step& step : component.steps) steps += describe(step) + "\n";
  }
  EXPECT_THAT(steps, HasSubstr("apply Job"));
  EXPECT_THAT(steps, Not(HasSubstr("write login")));
  EXPECT_THAT(describe(plan.clean_up.at(0)), HasSubstr("delete Job " + checked));

  pass(world);
  EXPECT_EQ(*login_in(*world.child("Secret", kLogin)), before);
  pass(world);
  EXPECT_NE(*login_in(*world.child("Secret", kLogin)), before);
}

TEST(ExternalDatabase, IsAskedAgainWhenTheHomeserverIsSilent) {
  World world = with_external_database();
  bring(world, "secret", "1");
  converge(world);
  world.resource.status = summarize(world, plan_of(world), {}, kNow);
  world.seen_at += seconds(60);
  EXPECT_TRUE(plan_of(world).empty());
  world.homeserver = Answer{.problem = "no answer"};
  const Plan plan = plan_of(world);
  ASSERT_EQ(plan.clean_up.size(), 1U);
  EXPECT_THAT(describe(plan.clean_up[0]), HasSubstr("delete Job"));
  carry_out(plan.clean_up[0], world);
  observe(world);
  // Until it has answered, the last news stay.
  EXPECT_EQ(database_ready(world).reason, "Ready");
}

TEST(ExternalDatabase, APasswordOfTwoLinesIsNotHandedOn) {
  World world = with_external_database();
  bring(world, "secret\n", "1");
  converge(world);
  const json good = login_secret(world, login_wish(world), nullptr);
  EXPECT_THAT(base64_decode(good["data"]["pg_service.conf"].get<std::string>()),
              HasSubstr("sslmode=verify-full\nsslrootcert=/etc/ssl/certs/ca-certificates.crt\n"
                        "user=synapse\npassword=secret\n"));
  bring(world, "secret\nhost=elsewhere", "2");
  EXPECT_THROW(login_secret(world, login_wish(world), nullptr), std::runtime_error);
}

World with_cloudnative_pg() {
  World world = a_new_tenant();
  world.resource.spec.database_mode = api::DatabaseMode::cloudnative_pg;
  world.tenant.spec = world.resource.spec;
  world.tenant.login = {};
  return world;
}

TEST(CloudNativePg, IsNamedWhileItIsMissing) {
  World world = with_cloudnative_pg();
  converge(world);
  EXPECT_EQ(database_ready(world).reason, "CloudNativePgMissing");
  EXPECT_EQ(world.child("StatefulSet", "acme-homeserver"), nullptr);
}

TEST(CloudNativePg, IsWaitedForAndCheckedLikeAnyDatabaseThatIsNotOurs) {
  World world = with_cloudnative_pg();
  world.tenant.has_cloudnative_pg = true;
  converge(world);
  ASSERT_NE(world.child("Cluster", "acme-database"), nullptr);
  EXPECT_EQ(database_ready(world).reason, "RollingOut");
  const auto tell = [&](const json& status) {
    change(world, "Cluster", "acme-database", [&](json& object) { object["status"] = status; });
    observe(world);
    converge(world);
  };
  tell({{"phase", "Setting up primary"}, {"phaseReason", "Creating primary instance"}});
  EXPECT_EQ(database_ready(world).reason, "ClusterNotHealthy");
  EXPECT_THAT(database_ready(world).message, HasSubstr("Creating primary instance"));
  tell({{"phase", "Cluster in healthy state"}, {"readyInstances", 2}});
  EXPECT_THAT(database_ready(world).message, HasSubstr("acme-database-app"));
  EXPECT_EQ(world.child("StatefulSet", "acme-homeserver"), nullptr);
  world.children.insert_or_assign(
      ChildId{.kind = "Secret", .name = "acme-database-app"},
      std::make_shared<const json>(json{{"kind", "Secret"},
                                        {"metadata", {{"name", "acme-database-app"}}},
                                        {"data", {{"password", base64_encode("drawn")}}}}));
  observe(world);
  converge(world);
  EXPECT_TRUE(database_ready(world).ready);
  EXPECT_NE(check_of(world), "");
  EXPECT_NE(world.child("StatefulSet", "acme-homeserver"), nullptr);
  EXPECT_EQ(world.child("StatefulSet", "acme-database"), nullptr);
}

}  // namespace
}  // namespace alphorn::homeserver::test
