#include "manifests/metrics.hpp"
#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"

namespace alphorn::manifests {
namespace {

constexpr int kStartSeconds = 1800;  // replaying a long log after a crash takes its time
constexpr int kStopSeconds = 60;
constexpr const char* kData = "/data/pg";
constexpr const char* kSockets = "/run/postgresql";
constexpr const char* kConfig = "/etc/database";
constexpr const char* kKeys = "/keys/database";
constexpr const char* kLogins = "/keys/logins";
constexpr const char* kRolesApplied = "/tmp/roles-applied";

json data(const Tenant& tenant) {
  json files = {{"postgresql.conf", scripts::postgresql},
                {"pg_hba.conf", is_watched(tenant) ? scripts::pg_hba_watched : scripts::pg_hba},
                {"prepare_database.sh", scripts::prepare_database},
                {"apply_roles.sh", scripts::apply_roles}};
  if (is_watched(tenant)) files["metrics_role.sql"] = scripts::metrics_role;
  return files;
}

json prepare(const Tenant& tenant) {
  json result = container("prepare", tenant.images.postgres,
                          {"sh", std::string{kConfig} + "/prepare_database.sh", kData});
  result["resources"] = resources("50m", "64Mi", "1", "256Mi");
  result["volumeMounts"] = json::array(
      {mount("data", "/data"), read_only_mount("config", kConfig), mount("tmp", "/tmp")});
  return result;
}

json server(const Tenant& tenant) {
  std::vector<std::string> command{"postgres", "-D", kData, "-c",
                                   std::string{"config_file="} + kConfig + "/postgresql.conf"};
  const int connections = database_connections(tenant);
  if (connections > kUsualConnections) {
    command.insert(command.end(), {"-c", "max_connections=" + std::to_string(connections)});
  }
  json result = container("postgres", tenant.images.postgres, command);
  const json answers = exec_probe({"pg_isready", "--quiet", "--host=127.0.0.1"});
  // 1 is "alive, but not taking connections": recovery must not be answered with a restart.
  const json lives = exec_probe({"sh", "-c", "pg_isready --quiet --host=127.0.0.1 || test $? = 1"});
  result["ports"] = json::array({port("postgres", kDatabasePort)});
  result["resources"] = tenant.spec.database_resources;
  result["startupProbe"] = timed(answers, 1, kStartSeconds, 5);
  result["readinessProbe"] = timed(answers, 5, 2, 5);
  result["livenessProbe"] = timed(lives, 15, 4, 10);
  // SIGINT is a fast stop; the SIGTERM that follows alone would wait for every client to leave.
  result["lifecycle"] = {
      {"preStop", {{"exec", {{"command", json::array({"sh", "-c", "kill -INT 1"})}}}}}};
  result["volumeMounts"] = json::array({mount("data", "/data"), read_only_mount("config", kConfig),
                                        mount("sockets", kSockets),
                                        mount("shared-memory", "/dev/shm"), mount("tmp", "/tmp")});
  return result;
}

json roles(const Tenant& tenant) {
  const std::string config = kConfig;
  std::vector<std::string> command = {
      "sh", config + "/apply_roles.sh", kKeys, kLogins, kSockets, kRolesApplied};
  if (is_watched(tenant)) command.push_back(config + "/metrics_role.sql");
  json result = container("roles", tenant.images.postgres, command);
  result["resources"] = resources("10m", "16Mi", "500m", "64Mi");
  result["readinessProbe"] = timed(exec_probe({"test", "-e", kRolesApplied}), 2, 1, 5);
  result["volumeMounts"] = json::array(
      {read_only_mount("config", kConfig), read_only_mount("keys", kKeys),
       read_only_mount("logins", kLogins), mount("sockets", kSockets), mount("roles-tmp", "/tmp")});
  return result;
}

Manifest service(const Tenant& tenant) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", metadata(tenant, "database", database_name(tenant))},
          {"spec",
           {{"clusterIP", "None"},
            {"selector", selector(tenant, "database")},
            {"ports",
             json::array(
                 {{{"name", "postgres"}, {"port", kDatabasePort}, {"targetPort", "postgres"}}})}}}};
}

Manifest stateful_set(const Tenant& tenant) {
  json pod = pod_spec(tenant, kPostgresUser, kStopSeconds);
  pod["initContainers"] = json::array({prepare(tenant)});
  pod["containers"] = json::array({server(tenant), roles(tenant)});
  pod["volumes"] =
      json::array({claim_volume("data", database_claim(tenant)),
                   config_map_volume("config", database_name(tenant)),
                   secret_volume("keys", database_keys(tenant)),
                   secret_volume("logins", database_login(tenant)),
                   scratch_volume("sockets", "1Mi"), memory_volume("shared-memory", "128Mi"),
                   scratch_volume("tmp", "64Mi"), scratch_volume("roles-tmp", "1Mi")});
  if (is_watched(tenant)) {
    pod["containers"].push_back(database_exporter(tenant, kSockets));
    pod["volumes"].push_back(scratch_volume("metrics-tmp", "1Mi"));
  }
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", metadata(tenant, "database", database_name(tenant))},
          {"spec",
           {{"replicas", database_sleeps(tenant) ? 0 : 1},
            {"serviceName", database_name(tenant)},
            {"selector", {{"matchLabels", selector(tenant, "database")}}},
            {"template",
             {{"metadata",
               pod_metadata(tenant, "database", {{kConfigHash, fingerprint_of(data(tenant))}})},
              {"spec", pod}}}}}};
}

}  // namespace

Manifests database(const Tenant& tenant) {
  if (has_external_database(tenant)) return {};
  return {config_map(tenant, "database", database_name(tenant), data(tenant)), service(tenant),
          stateful_set(tenant)};
}

}  // namespace alphorn::manifests
