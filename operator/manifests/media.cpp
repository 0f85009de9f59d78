#include "manifests/media.hpp"

#include "api/quantity.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kKeys = "/keys/bucket";
constexpr const char* kAuthorities = "/run/homeserver/bucket-ca.crt";
constexpr int kSecondsPerHour = 3600;

json key_file(const char* name) { return {{"$file", std::string{kKeys} + "/" + name}}; }

json access(const api::MediaBucket& bucket) {
  json result = {{"bucket", bucket.bucket},
                 {"prefix", bucket.prefix},
                 {"region_name", bucket.region},
                 {"storage_class", bucket.storage_class},
                 {"access_key_id", key_file("access-key-id")},
                 {"secret_access_key", key_file("secret-access-key")}};
  if (!bucket.endpoint.empty()) result["endpoint_url"] = bucket.endpoint;
  return result;
}

/// Four fifths of the volume: the homeserver writes while the oldest copies go.
std::int64_t most_bytes(const Tenant& tenant) {
  const auto size = api::Quantity::parse(tenant.spec.media.size);
  return size ? size->count() / 5 * 4 : 0;
}

}  // namespace

json bucket_config(const Tenant& tenant) {
  const json provider = {{"module", "s3_storage_provider.S3StorageProviderBackend"},
                         {"store_local", true},
                         {"store_remote", true},
                         {"store_synchronous", true},
                         {"config", access(*tenant.spec.media_bucket)}};
  return {{"media_storage_providers", json::array({provider})}};
}

json bucket_watch_config(const Tenant& tenant) {
  json result = access(*tenant.spec.media_bucket);
  result["keep_seconds"] = api::hours_of(tenant.spec.media_bucket->keep_local) * kSecondsPerHour;
  result["most_bytes"] = most_bytes(tenant);
  return result;
}

json prepare_bucket(const Tenant& tenant, const json& environment) {
  std::vector<std::string> command{"python3", "/etc/homeserver/prepare_bucket.py"};
  if (!tenant.spec.ca_bundle.empty()) {
    command.insert(command.end(), {"/etc/homeserver/ca.crt", kAuthorities});
  }
  json result = container("prepare-bucket", tenant.images.synapse, command);
  result["env"] = environment;
  result["resources"] = resources("50m", "64Mi", "1", "128Mi");
  result["volumeMounts"] =
      json::array({read_only_mount("config", "/etc/homeserver"),
                   mount("rendered", "/run/homeserver"), mount("tmp", "/tmp")});
  return result;
}

json bucket_watch(const Tenant& tenant, const json& environment) {
  json result =
      container("bucket", tenant.images.synapse,
                {"python3", "/etc/homeserver/media_bucket.py", "/etc/homeserver/bucket.yaml",
                 "/data/media_store", std::to_string(kBucketPort)});
  result["env"] = environment;
  trust_bucket(tenant, result["env"]);
  result["ports"] = json::array({port("bucket", kBucketPort)});
  result["resources"] = resources("10m", "96Mi", "500m", "384Mi");
  // No readiness probe: what ails the bucket must not take the homeserver out of its Service.
  result["livenessProbe"] = timed(http_probe("/healthz", "bucket"), 30, 4, 10);
  result["volumeMounts"] =
      json::array({mount("media", "/data"), read_only_mount("config", "/etc/homeserver"),
                   bucket_key_mount(), mount("tmp", "/tmp")});
  if (!tenant.spec.ca_bundle.empty()) {
    result["volumeMounts"].push_back({{"name", "rendered"},
                                      {"mountPath", kAuthorities},
                                      {"subPath", "bucket-ca.crt"},
                                      {"readOnly", true}});
  }
  return result;
}

json bucket_key_volume(const Tenant& tenant) {
  return secret_volume("bucket-key", tenant.spec.media_bucket->secret_name);
}

json bucket_key_mount() { return read_only_mount("bucket-key", kKeys); }

void trust_bucket(const Tenant& tenant, json& environment) {
  if (tenant.spec.ca_bundle.empty()) return;
  environment.push_back({{"name", "AWS_CA_BUNDLE"}, {"value", kAuthorities}});
}

}  // namespace alphorn::manifests
