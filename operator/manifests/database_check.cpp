#include "manifests/database_login.hpp"
#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kConfig = "/etc/database-check";
constexpr const char* kPassword = "/keys/check/password";
constexpr const char* kFinding = "/dev/termination-log";
constexpr int kPatienceSeconds = 100;  // a kubelet takes a minute and more to bring a new password
constexpr int kDeadlineSeconds = 600;  // pulling an image may take its time
constexpr std::size_t kHashLength = 10;

/// Of an external database everything is asked; of our own whether the next role can log in.
json request(const Tenant& tenant) {
  const std::string authority = std::string{kConfig} + "/" + kLoginAuthority;
  if (!has_external_database(tenant)) {
    return {{"connection", connection_parameters(tenant, tenant.login.next, authority)},
            {"secret", database_login(tenant)},
            {"patience", kPatienceSeconds}};
  }
  const api::ExternalDatabase external = *external_database(tenant);
  return {{"connection", connection_parameters(tenant, external.user, authority)},
          {"secret", external.secret_name},
          {"serverName", tenant.spec.server_name}};
}

json password_volume(const Tenant& tenant) {
  const auto external = external_database(tenant);
  json volume =
      secret_volume("password", external ? external->secret_name : database_login(tenant));
  const std::string key = external ? external->secret_key : tenant.login.next;
  volume["secret"]["items"] = json::array({{{"key", key}, {"path", "password"}}});
  return volume;
}

json files(const Tenant& tenant) {
  json result = {{"check_database.py", scripts::check_database}};
  const auto external = external_database(tenant);
  if (external && !external->ca_bundle.empty()) result[kLoginAuthority] = external->ca_bundle;
  return result;
}

/// The homeserver's own image: what it asks with is what the homeserver will log in with.
json check(const Tenant& tenant) {
  json result = container("check", tenant.images.synapse,
                          {"python3", std::string{kConfig} + "/check_database.py",
                           request(tenant).dump(), kPassword, kFinding});
  result["env"] = json::array({{{"name", "HOME"}, {"value", "/tmp"}},
                               {{"name", "PYTHONDONTWRITEBYTECODE"}, {"value", "1"}}});
  result["resources"] = resources("50m", "32Mi", "500m", "128Mi");
  result["volumeMounts"] =
      json::array({read_only_mount("config", kConfig), read_only_mount("password", "/keys/check"),
                   mount("tmp", "/tmp")});
  return result;
}

/// What a check is about. Another password is another version of its Secret.
json subject(const Tenant& tenant) {
  return {{"seen", tenant.database_secret_seen}, {"rotation", tenant.login.rotation}};
}

}  // namespace

bool wants_check(const Tenant& tenant) {
  if (tenant.spec.hibernated) return false;
  return has_external_database(tenant) ? !tenant.database_secret_seen.empty()
                                       : !tenant.login.next.empty();
}

Manifests database_check_job(const Tenant& tenant) {
  if (!wants_check(tenant)) return {};
  const json config = files(tenant);
  json pod = pod_spec(tenant, kDefaultUser, 5);
  pod["restartPolicy"] = "Never";
  pod["containers"] = json::array({check(tenant)});
  pod["volumes"] = json::array({config_map_volume("config", database_check(tenant)),
                                password_volume(tenant), scratch_volume("tmp", "1Mi")});
  const json pod_template = {
      {"metadata", pod_metadata(tenant, kDatabaseCheck, {{kConfigHash, fingerprint_of(config)}})},
      {"spec", pod}};
  // A Job cannot be changed: another question is another Job.
  const std::string hash =
      fingerprint_of({{"subject", subject(tenant)}, {"pod", pod_template}}).substr(0, kHashLength);
  return {config_map(tenant, kDatabaseCheck, database_check(tenant), config),
          {{"apiVersion", "batch/v1"},
           {"kind", "Job"},
           {"metadata", metadata(tenant, kDatabaseCheck, tenant.name + "-check-" + hash)},
           {"spec",
            {{"backoffLimit", 0},
             {"activeDeadlineSeconds", kDeadlineSeconds},
             {"template", pod_template}}}}};
}

}  // namespace alphorn::manifests
