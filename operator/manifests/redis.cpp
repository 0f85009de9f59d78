#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"

// What the processes of a homeserver tell one another goes through it. It keeps nothing: who has
// missed something asks the database.
namespace alphorn::manifests {
namespace {

constexpr const char* kConfig = "/etc/redis-server";
constexpr const char* kKeys = "/keys/workers";

json data() { return {{"redis.conf", scripts::redis}, {"start_redis.sh", scripts::start_redis}}; }

json server(const Tenant& tenant) {
  const std::string config = kConfig;
  const std::string password = std::string{kKeys} + "/" + kRedisPassword;
  json result = container("redis", tenant.images.redis,
                          {"sh", config + "/start_redis.sh", config + "/redis.conf", password,
                           "/run/redis/redis.conf"});
  // The variable is of the one program that asks; the password is no argument of anything.
  const json answers = exec_probe(
      {"sh", "-c", "REDISCLI_AUTH=\"$(cat " + password + ")\" redis-cli ping | grep -qx PONG"});
  result["ports"] = json::array({port("redis", kRedisPort)});
  result["resources"] = resources("20m", "32Mi", "1", "256Mi");
  result["startupProbe"] = timed(answers, 1, 60, 5);
  result["readinessProbe"] = timed(answers, 5, 2, 5);
  result["livenessProbe"] = timed(answers, 15, 4, 10);
  result["volumeMounts"] = json::array({read_only_mount("config", kConfig), worker_keys_mount(),
                                        mount("run", "/run/redis"), mount("tmp", "/tmp")});
  return result;
}

Manifest service(const Tenant& tenant) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", metadata(tenant, "redis", redis_name(tenant))},
          {"spec",
           {{"type", "ClusterIP"},
            {"selector", selector(tenant, "redis")},
            {"ports",
             json::array({{{"name", "redis"}, {"port", kRedisPort}, {"targetPort", "redis"}}})}}}};
}

Manifest stateful_set(const Tenant& tenant) {
  json pod = pod_spec(tenant, kDefaultUser, 10);
  pod["containers"] = json::array({server(tenant)});
  pod["volumes"] =
      json::array({config_map_volume("config", redis_name(tenant)), worker_keys_volume(tenant),
                   memory_volume("run", "1Mi"), scratch_volume("tmp", "1Mi")});
  const json annotations = {{kConfigHash, fingerprint_of(data())},
                            {kWorkerKeysSeen, tenant.worker_keys_seen}};
  return {
      {"apiVersion", "apps/v1"},
      {"kind", "StatefulSet"},
      {"metadata", metadata(tenant, "redis", redis_name(tenant))},
      {"spec",
       {{"replicas", tenant.spec.hibernated ? 0 : 1},
        {"serviceName", redis_name(tenant)},
        {"selector", {{"matchLabels", selector(tenant, "redis")}}},
        {"template", {{"metadata", pod_metadata(tenant, "redis", annotations)}, {"spec", pod}}}}}};
}

}  // namespace

Manifests redis(const Tenant& tenant) {
  if (!has_workers(tenant)) return {};
  return {config_map(tenant, "redis", redis_name(tenant), data()), service(tenant),
          stateful_set(tenant)};
}

}  // namespace alphorn::manifests
