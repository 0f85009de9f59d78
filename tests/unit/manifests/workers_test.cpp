// The homeserver's processes: who is told what, and which requests the gateway leads to whom.
#include "manifests/workers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "manifests/vocabulary.hpp"
#include "unit/manifests/tenants.hpp"

namespace alphorn::manifests {
namespace {

using api::WorkerRole;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Tenant with(std::map<WorkerRole, int> counts) {
  Tenant tenant = tenant_of("minimal");
  for (const auto& [role, count] : counts) tenant.spec.workers.counts[role] = count;
  return tenant;
}

std::string text_of(const json& files, const char* name) { return files.value(name, ""); }

/// Which role's process the gateway asks for a path; "main" when no location takes it. As nginx:
/// the first regular expression that fits.
std::string role_for(const std::string& path, const Tenant& tenant, const char* file) {
  const std::string text = text_of(worker_routes(tenant), file);
  const std::string begin = "location ~ \"(?x)";
  const std::string target = "proxy_pass http://";
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    at += begin.size();
    const std::string pattern = text.substr(at, text.find('"', at) - at);
    const std::regex expression{std::regex_replace(pattern, std::regex{"\\s+"}, "")};
    if (!std::regex_search(path, expression)) continue;
    std::size_t place = text.find(target, at) + target.size();
    if (text[place] == '$') ++place;
    const std::string process = text.substr(place, text.find('.', place) - place);
    // acme-client-0, or the variable client_worker.
    const bool is_pinned = process.starts_with("acme-");
    return is_pinned ? process : process.substr(0, process.find('_'));
  }
  return "main";
}

std::string client_role(const std::string& path, const std::string& sample = "medium") {
  return role_for("/_matrix/" + path, tenant_of(sample), "worker_routes.conf");
}

TEST(Workers, AreNoneInASmallCompany) {
  const Tenant tenant = tenant_of("minimal");
  EXPECT_FALSE(has_workers(tenant));
  EXPECT_THAT(workers(tenant), IsEmpty());
  EXPECT_THAT(redis(tenant), IsEmpty());
  EXPECT_THAT(worker_routes(tenant), IsEmpty());
  EXPECT_EQ(layout_of(tenant), "");
  for (const Manifest& manifest : all_manifests(tenant)) {
    EXPECT_THAT(manifest.dump(), Not(HasSubstr("acme-redis")));
    EXPECT_THAT(manifest.dump(), Not(HasSubstr("instance_map")));
  }
}

TEST(Workers, OfFederationAreNoneWhileItIsClosed) {
  for (const WorkerSet& set : worker_sets(tenant_of("medium"))) {
    EXPECT_NE(set.role, WorkerRole::federation);
    EXPECT_NE(set.role, WorkerRole::sender);
  }
}

TEST(Routes, FollowSynapsesMap) {
  for (const auto& [path, role] : std::vector<std::pair<std::string, std::string>>{
           {"client/v3/sync", "sync"},
           {"client/unstable/org.matrix.simplified_msc3575/sync", "sync"},
           {"client/r0/rooms/!a:b/initialSync", "sync"},
           {"client/v3/rooms/!a:b/send/m.room.message/1", "creator"},
           {"client/v3/rooms/!a:b/state/m.room.topic/", "creator"},
           {"client/v3/rooms/!a:b/invite", "creator"},
           {"client/v3/join/!a:b", "creator"},
           {"client/v3/createRoom", "creator"},
           {"client/v3/rooms/!a:b/state", "client"},
           {"client/v3/rooms/!a:b/members", "client"},
           {"client/v3/keys/query", "client"},
           {"client/v3/login", "acme-client-0"},
           {"client/v3/account/deactivate", "acme-client-0"},
           {"client/versions", "client"},
           {"client/v3/keys/upload", "writer"},
           {"client/v3/keys/upload/DEVICE", "writer"},
           {"client/v3/sendToDevice/m.room_key/1", "writer"},
           {"client/v3/rooms/!a:b/typing/@a:b", "writer"},
           {"client/v3/rooms/!a:b/receipt/m.read/1", "writer"},
           {"client/v3/user/@a:b/account_data/m.direct", "writer"},
           {"client/v3/user/@a:b/rooms/!a:b/tags", "writer"},
           {"client/v3/devices/DEVICE", "writer"},
           {"client/v3/pushrules/", "writer"},
           {"media/v3/upload", "media"},
           {"client/v1/media/download/a/b", "media"},
           // What no worker may do.
           {"client/v3/register", "main"},
           {"client/v3/login/sso/redirect/oidc-a", "main"},
           {"client/v3/account/password", "main"},
           {"client/v3/logout", "main"},
           {"client/v3/pushers/set", "main"},
           {"client/v3/rooms/!a:b/upgrade", "main"}}) {
    EXPECT_EQ(client_role(path), role) << path;
  }
}

TEST(Routes, OfOtherServersLeadToTheirWorkers) {
  const Tenant tenant = tenant_of("large");
  const auto role = [&](const std::string& path) {
    return role_for("/_matrix/" + path, tenant, "worker_federation.conf");
  };
  EXPECT_EQ(role("federation/v1/send/1"), "federation");
  EXPECT_EQ(role("federation/v2/send_join/!a:b/$e"), "federation");
  EXPECT_EQ(role("key/v2/query"), "federation");
  EXPECT_EQ(role("federation/v1/media/download/a"), "media");
  EXPECT_EQ(role("key/v2/server"), "main");
  EXPECT_FALSE(worker_routes(tenant_of("medium")).contains("worker_federation.conf"));
}

TEST(Routes, LeadToTheMainProcessWhereARoleHasNobody) {
  const Tenant tenant = with({{WorkerRole::sync, 1}});
  EXPECT_EQ(role_for("/_matrix/client/v3/sync", tenant, "worker_routes.conf"), "sync");
  EXPECT_EQ(role_for("/_matrix/client/v3/keys/upload", tenant, "worker_routes.conf"), "main");
  EXPECT_EQ(role_for("/_matrix/media/v3/upload", tenant, "worker_routes.conf"), "main");
}

TEST(Routes, ShareTheWorkAmongAllOfARole) {
  const std::string choice =
      text_of(worker_routes(with({{WorkerRole::sync, 3}})), "worker_choice.conf");
  EXPECT_THAT(choice, HasSubstr("split_clients \"$person\" $sync_worker {\n"
                                "  33.33% acme-sync-0;\n"
                                "  33.33% acme-sync-1;\n"
                                "  * acme-sync-2;\n}"));
}

TEST(Layout, SaysWhoWritesWhatAndWhereTheyAre) {
  const json config = shared_worker_config(tenant_of("large"));
  EXPECT_EQ(config.at("stream_writers").at("events"),
            json::array({"acme-persister-0", "acme-persister-1"}));
  EXPECT_EQ(config.at("stream_writers").at("to_device"), json::array({"acme-writer-0"}));
  EXPECT_EQ(config.at("instance_map").at("acme-persister-1").at("host"),
            "acme-persister-1.acme-persister.acme.svc");
  EXPECT_EQ(config.at("instance_map").at("main").at("host"), "acme-homeserver");
  EXPECT_EQ(config.at("pusher_instances").size(), 2U);
  EXPECT_EQ(config.at("federation_sender_instances").size(), 2U);
  EXPECT_EQ(config.at("enable_media_repo"), false);
}

TEST(Layout, IsAnotherWhenOthersWriteAndTheSameWhenMoreAnswer) {
  const std::string one = layout_of(with({{WorkerRole::sync, 1}, {WorkerRole::persister, 1}}));
  EXPECT_EQ(layout_of(with({{WorkerRole::sync, 5}, {WorkerRole::persister, 1}})), one);
  EXPECT_NE(layout_of(with({{WorkerRole::sync, 1}, {WorkerRole::persister, 2}})), one);
  EXPECT_NE(layout_of(with({{WorkerRole::sync, 1}})), one);
}

TEST(MediaWorker, HasTheVolumeAndNobodyElse) {
  for (const json& pod : all_pods(tenant_of("medium"))) {
    const json& labels = pod.at("metadata").at("labels");
    const bool is_media = labels.value(kWorkerRole, "") == "media";
    EXPECT_EQ(pod.at("spec").dump().find("\"acme-media\"") != std::string::npos, is_media)
        << labels;
  }
}

TEST(Database, TakesAllTheirConnections) {
  EXPECT_EQ(database_connections(tenant_of("minimal")), kUsualConnections);
  const Tenant large = tenant_of("large");
  ASSERT_GT(database_connections(large), kUsualConnections);
  EXPECT_THAT(find(all_components(large).at("database"), "StatefulSet", "acme-database").dump(),
              HasSubstr("max_connections=" + std::to_string(database_connections(large))));
  // And those of processes that are still there after fewer were asked for.
  Tenant shrinking = tenant_of("medium");
  EXPECT_EQ(database_connections(shrinking), kUsualConnections);
  shrinking.workers_seen = 40;
  EXPECT_EQ(database_connections(shrinking), 300);
}

TEST(DisruptionBudget, IsOfWhomThereAreSeveral) {
  std::set<std::string> names;
  for (const Manifest& manifest : workers(tenant_of("large"))) {
    if (manifest.at("kind") != "PodDisruptionBudget") continue;
    names.insert(manifest.at("metadata").at("name"));
    EXPECT_EQ(manifest.at("spec").at("maxUnavailable"), 1);
  }
  EXPECT_EQ(names,
            (std::set<std::string>{"acme-sync", "acme-client", "acme-creator", "acme-persister",
                                   "acme-pusher", "acme-federation", "acme-sender"}));
}

TEST(PriorityClass, IsOfEveryPod) {
  for (const json& pod : all_pods(tenant_of("medium"))) {
    EXPECT_EQ(pod.at("spec").at("priorityClassName"), "business-critical");
  }
}

}  // namespace
}  // namespace alphorn::manifests
