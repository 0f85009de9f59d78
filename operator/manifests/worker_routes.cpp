#include <string_view>

#include "manifests/workers.hpp"

// Which requests go to which process: Synapse's own map (its docs/workers.md, "Available worker
// applications" and "Stream writers"; sliding sync is served by every worker since it left its
// proxy). What is not in it is the main process's.
namespace alphorn::manifests {
namespace {

using api::WorkerRole;

/// What is asked for of one role: nginx takes the first that fits, so what only one role can do
/// comes first.
struct Routes {
  WorkerRole role;
  const char* below;  ///< the path that all of them begin with
  const char* paths;  ///< a regular expression whose blanks do not count
  const char* spread_by;
  const char* settings;
};

constexpr const char* kNobody = "";
/// All of it goes to the first process: what is counted is counted in its memory.
constexpr const char* kOneForAll = "one for all";

constexpr Routes kRoutesOfClients[] = {
    {WorkerRole::media, "/_matrix/", R"(
      media/
    | client/v1/media/)",
     kNobody, ""},
    {WorkerRole::writer, "/_matrix/client/", R"(
      (api/v1|r0|v3|unstable)/rooms/.*/typing
    | (r0|v3|unstable)/sendToDevice/
    | (r0|v3|unstable)/.*/tags
    | (r0|v3|unstable)/.*/account_data
    | (r0|v3|unstable)/rooms/.*/receipt
    | (r0|v3|unstable)/rooms/.*/read_markers
    | (api/v1|r0|v3|unstable)/presence/
    | (api/v1|r0|v3|unstable)/pushrules/
    | (r0|v3)/delete_devices$
    | (api/v1|r0|v3|unstable)/devices(/|$)
    | (r0|v3|unstable)/keys/upload
    | (api/v1|r0|v3|unstable)/keys/device_signing/upload$
    | (api/v1|r0|v3|unstable)/keys/signatures/upload$)",
     kNobody, ""},
    {WorkerRole::sync, "/_matrix/client/", R"(
      (r0|v3)/sync$
    | unstable/org[.]matrix[.]simplified_msc3575/sync$
    | (api/v1|r0|v3)/events$
    | (api/v1|r0|v3)/initialSync$
    | (api/v1|r0|v3)/rooms/[^/]+/initialSync$)",
     "$person", "  proxy_read_timeout 15m;\n"},
    {WorkerRole::creator, "/_matrix/client/", R"(
      (api/v1|r0|v3|unstable)/createRoom$
    | (api/v1|r0|v3|unstable)/rooms/.*/redact
    | (api/v1|r0|v3|unstable)/rooms/.*/send
    | (api/v1|r0|v3|unstable)/rooms/.*/state/
    | (api/v1|r0|v3|unstable)/rooms/.*/(join|invite|leave|ban|unban|kick)$
    | (api/v1|r0|v3|unstable)/join/
    | (api/v1|r0|v3|unstable)/knock/
    | (api/v1|r0|v3|unstable)/profile/)",
     "$room", ""},
    {WorkerRole::client, "/_matrix/client/", R"(
      (api/v1|r0|v3|unstable)/login$
    | (r0|v3|unstable)/account/deactivate$)",
     kOneForAll, ""},
    {WorkerRole::client, "/_matrix/client/", R"(
      (api/v1|r0|v3|unstable)/publicRooms$
    | (api/v1|r0|v3|unstable)/rooms/.*/joined_members$
    | (api/v1|r0|v3|unstable)/rooms/.*/context/.*$
    | (api/v1|r0|v3|unstable)/rooms/.*/members$
    | (api/v1|r0|v3|unstable)/rooms/.*/state$
    | (api/v1|r0|v3|unstable)/rooms/.*/messages$
    | v1/rooms/.*/hierarchy$
    | (v1|unstable)/rooms/.*/relations/
    | v1/rooms/.*/threads$
    | unstable/im[.]nheko[.]summary/summary/.*$
    | (r0|v3|unstable)/account/3pid$
    | (r0|v3|unstable)/account/whoami$
    | versions$
    | (api/v1|r0|v3|unstable)/voip/turnServer$
    | (api/v1|r0|v3|unstable)/rooms/.*/event/
    | (api/v1|r0|v3|unstable)/joined_rooms$
    | v1/rooms/.*/timestamp_to_event$
    | (api/v1|r0|v3|unstable/.*)/rooms/.*/aliases
    | (api/v1|r0|v3|unstable)/search$
    | (r0|v3|unstable)/user/.*/filter(/|$)
    | (api/v1|r0|v3|unstable)/directory/room/.*$
    | (r0|v3|unstable)/capabilities$
    | (r0|v3|unstable)/notifications$
    | (r0|v3|unstable)/keys/query$
    | (r0|v3|unstable)/keys/changes$
    | (r0|v3|unstable)/keys/claim$
    | (r0|v3|unstable)/room_keys/
    | (r0|v3|unstable)/password_policy$
    | (r0|v3|unstable)/user_directory/search$)",
     "$room", ""},
};

constexpr Routes kRoutesOfServers[] = {
    {WorkerRole::media, "/_matrix/federation/", R"(
      v1/media/)",
     kNobody, ""},
    {WorkerRole::federation, "/_matrix/", R"(
      federation/v1/version$
    | federation/v1/event/
    | federation/v1/state/
    | federation/v1/state_ids/
    | federation/v1/backfill/
    | federation/v1/get_missing_events/
    | federation/v1/publicRooms
    | federation/v1/query/
    | federation/v1/make_join/
    | federation/v1/make_leave/
    | federation/(v1|v2)/send_join/
    | federation/(v1|v2)/send_leave/
    | federation/v1/make_knock/
    | federation/v1/send_knock/
    | federation/(v1|v2)/invite/
    | federation/v1/event_auth/
    | federation/v1/timestamp_to_event/
    | federation/v1/exchange_third_party_invite/
    | federation/v1/user/devices/
    | federation/v1/hierarchy/
    | federation/v1/send/
    | key/v2/query)",
     "$server", "  client_max_body_size 13m;\n  proxy_read_timeout 10m;\n"},
};

bool is_pinned(const Routes& routes) { return std::string_view{routes.spread_by} == kOneForAll; }

std::string variable_of(const WorkerSet& set) { return "$" + api::name_of(set.role) + "_worker"; }

std::string location(const WorkerSet& set, const Routes& routes) {
  const std::string process = is_pinned(routes) ? set.pod(0) : variable_of(set);
  return std::string{"location ~ \"(?x)^"} + routes.below + "(" + routes.paths +
         ")\" {\n"
         "  if ($agreed = 0) {\n"
         "    return 403 '{\"errcode\":\"M_FORBIDDEN\",\"error\":\"This path is not open to the "
         "outside\"}';\n"
         "  }\n" +
         routes.settings + "  proxy_pass http://" + process + "." + set.name +
         ".$services:" + std::to_string(kHomeserverPort) + ";\n}\n";
}

template <std::size_t Count>
std::string locations(const std::vector<WorkerSet>& sets, const Routes (&all)[Count]) {
  std::string text;
  for (const Routes& routes : all) {
    for (const WorkerSet& set : sets) {
      if (set.role == routes.role) text += location(set, routes);
    }
  }
  return text;
}

/// Of several processes the same one is asked for the same person, room or server: it has what it
/// needs in its cache, and pages of a room's history must come from one process.
std::string choice(const WorkerSet& set, const std::string& spread_by) {
  if (set.count == 1) return "map \"\" " + variable_of(set) + " { default " + set.pod(0) + "; }\n";
  std::string text = "split_clients \"" + spread_by + "\" " + variable_of(set) + " {\n";
  for (int index = 0; index + 1 < set.count; ++index) {
    const int hundredths = 10000 / set.count;
    const std::string rest = std::to_string(100 + hundredths % 100).substr(1);
    text += "  " + std::to_string(hundredths / 100) + "." + rest + "% " + set.pod(index) + ";\n";
  }
  return text + "  * " + set.pod(set.count - 1) + ";\n}\n";
}

template <std::size_t Count>
std::string choices(const std::vector<WorkerSet>& sets, const Routes (&all)[Count]) {
  std::string text;
  for (const WorkerSet& set : sets) {
    for (const Routes& routes : all) {
      if (routes.role == set.role && !is_pinned(routes)) text += choice(set, routes.spread_by);
    }
  }
  return text;
}

/// Synapse's tokens carry the name of whose they are: all devices of a person are served by one
/// process.
constexpr const char* kWhoAndWhere = R"conf(map $http_authorization $token {
  default $http_authorization;
  "" "Bearer $arg_access_token";
}
map $token $person {
  default $token;
  "~^Bearer syt_(?<localpart>[^_]+)_" $localpart;
}
map $http_authorization $server {
  default $remote_addr;
  '~^X-Matrix (.*,)?origin="?(?<origin>[^",]+)' $origin;
}
map $uri $room {
  default $person;
  "~/rooms/(?<room_id>[^/]+)" $room_id;
}
)conf";

}  // namespace

json worker_routes(const Tenant& tenant) {
  if (!has_workers(tenant)) return json::object();
  const std::vector<WorkerSet> sets = worker_sets(tenant);
  std::vector<WorkerSet> of_servers;
  for (const WorkerSet& set : sets) {
    if (set.role == WorkerRole::federation) of_servers.push_back(set);
  }
  json files = {{"worker_choice.conf", kWhoAndWhere + choices(sets, kRoutesOfClients) +
                                           choices(of_servers, kRoutesOfServers)},
                {"worker_routes.conf", locations(sets, kRoutesOfClients)}};
  if (federates(tenant)) {
    files["worker_federation.conf"] = locations(sets, kRoutesOfServers);
  }
  return files;
}

}  // namespace alphorn::manifests
