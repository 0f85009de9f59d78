#include "unit/manifests/tenants.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "manifests/backup.hpp"
#include "manifests/bridges.hpp"
#include "manifests/calls.hpp"
#include "manifests/database_login.hpp"
#include "manifests/mas.hpp"
#include "support/source_dir.hpp"

namespace alphorn::manifests {
namespace {

std::string content(const std::string& path) {
  std::ifstream file{path};
  if (!file) throw std::runtime_error(path + ": cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const char* placeholder(SecretRecipe::Draw draw) {
  switch (draw) {
    case SecretRecipe::Draw::token:
      return "<token>";
    case SecretRecipe::Draw::signing_key:
      return "<signing key>";
    case SecretRecipe::Draw::hex_key:
      return "<hexadecimal key>";
    case SecretRecipe::Draw::rsa_key:
      break;
  }
  return "<RSA key>";
}

Manifests secrets(const Tenant& tenant) {
  Manifests result;
  for (const SecretRecipe& recipe : keys(tenant)) {
    json values = json::object();
    for (const auto& [key, draw] : recipe.entries) values[key] = placeholder(draw);
    result.push_back({{"apiVersion", "v1"},
                      {"kind", "Secret"},
                      {"metadata", recipe.metadata},
                      {"stringData", values}});
  }
  return result;
}

/// The Secret that programs log in with, a word in place of the password.
Manifests login(const Tenant& tenant) {
  const json parameters = connection_parameters(tenant, tenant.login.role, mounted_authority());
  json values = {{kLoginFile, service_file(parameters, "<password>")}};
  if (has_mas(tenant)) {
    values[kMasRole] = "<password>";
    values[kMasDatabaseFile] = mas_database_file("<password>");
  }
  for (const api::Bridge& bridge : live_bridges(tenant)) {
    if (has_database(bridge)) values[bridge_role(bridge)] = "<password>";
  }
  return {{{"apiVersion", "v1"},
           {"kind", "Secret"},
           {"metadata", login_metadata(tenant)},
           {"stringData", values}}};
}

Manifests database_and_check(const Tenant& tenant) {
  Manifests result = database_check_job(tenant);
  for (const Manifest& manifest : database(tenant)) result.push_back(manifest);
  for (const Manifest& manifest : database_cluster(tenant)) result.push_back(manifest);
  return result;
}

/// They are long, have tests of their own, and would say nothing here.
Manifests without_programs(Manifests manifests) {
  for (Manifest& manifest : manifests) {
    if (!manifest.contains("data")) continue;
    for (auto& [name, text] : manifest["data"].items()) {
      if (name.ends_with(".py")) text = "...";
    }
  }
  return manifests;
}

/// What a cluster of one node would show.
CallsSeen calls_seen(const api::Calls& calls) {
  const std::string address = calls.address.empty() ? "192.0.2.10" : calls.address;
  return {.udp_port = calls.udp_port.value_or(31882),
          .tcp_port = calls.tcp_port.value_or(31881),
          .turn_port = calls.turn_port.value_or(31478),
          .media_address = address,
          .turn_address = address,
          .inner_address = "10.96.7.7",
          .keys = "5b1f0c8e-3f0a-4f5e-9f43-0d2f1d8f6a11"};
}

}  // namespace

Tenant tenant_of(const std::string& sample) {
  const std::string path = source_dir() + "/crds/samples/" + sample + ".yaml";
  const api::CompanyHomeserver object = api::company_homeserver_from(from_yaml(content(path)));
  Tenant tenant;
  tenant.name = object.name;
  tenant.ns = "acme";
  tenant.uid = "0b54cbb1-9d3d-4ba9-8f1f-6a3a2a1b7d55";
  tenant.spec = object.spec;
  tenant.version = "1.163.2";
  tenant.images = {.postgres = "registry.example/postgres:15",
                   .synapse = "registry.example/synapse:v1.163.2",
                   .nginx = "registry.example/nginx:1.28",
                   .web = "registry.example/element-web:v1.12.26",
                   .redis = "registry.example/redis:7.2",
                   .mas = "registry.example/matrix-authentication-service:1.26.0",
                   .livekit = "registry.example/livekit-server:v1.13.5",
                   .coturn = "registry.example/coturn:4.9.0",
                   .lk_jwt_service = "registry.example/lk-jwt-service:0.5.0",
                   .backup = "registry.example/backup:1"};
  for (const api::BridgeKind& kind : api::bridge_kinds()) {
    tenant.images.bridges[kind.name] = std::string{"registry.example/"} + kind.name + ":1.0";
  }
  for (const api::Bridge& bridge : live_bridges(tenant)) {
    tenant.bridges_seen[bridge.name] = {.keys = "uid-" + bridge.name,
                                        .brought = brought_secret(bridge).empty() ? "" : "4711"};
  }
  if (has_double_puppets(tenant)) tenant.double_puppet_seen = "uid-of-double-puppets";
  if (has_backup(tenant)) {
    tenant.backup_seen = {
        .resource = {{"kind", "CompanyHomeserver"}, {"metadata", {{"name", object.name}}}},
        .secrets = json::array({{{"name", "acme-homeserver-keys"}, {"type", "Opaque"}},
                                {{"name", "acme-own-certificate"}, {"type", "kubernetes.io/tls"}}}),
        .holds = {"0f1e2d3c"},
        .problem = ""};
  }
  if (has_calls(tenant)) tenant.calls = calls_seen(tenant.spec.calls);
  if (object.spec.exposure.mode == api::Exposure::Mode::node_port) {
    tenant.node_port = object.spec.exposure.node_port.value_or(31234);
  }
  tenant.login.role = kDatabaseRole;
  tenant.has_cloudnative_pg = true;
  if (const auto external = external_database(tenant)) {
    tenant.login.role = external->user;
    tenant.database_secret_seen = "4711";
  }
  tenant.has_routes = true;
  tenant.tls_route_version = "v1alpha2";
  tenant.has_certificates = true;
  tenant.default_ingress_class = "contour";
  tenant.database_is_unused = object.spec.hibernated;
  tenant.operator_ns = "alphorn-system";
  tenant.certificate_serial = "1f2e3d";
  tenant.authority_pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  return tenant;
}

Tenant watched(Tenant tenant) {
  tenant.monitoring_ns = "monitoring";
  tenant.images.postgres_exporter = "registry.example/postgres-exporter:v0.17.1";
  tenant.images.nginx_exporter = "registry.example/nginx-exporter:1.4.2";
  return tenant;
}

Directory a_directory() {
  return {.name = "acme",
          .uid = "7a1c8a52-6f0e-4c52-9f0c-1b2d3c4e5f60",
          .image = "registry.example/alphorn:0.1.0",
          .fingerprint = "0123456789abcdef",
          .file = "company.yaml",
          .files = {{"company.yaml", "YWxwaG9ybg=="}},
          .schedule = "30 3 * * *",
          .time_zone = "Europe/Zurich"};
}

std::map<std::string, Manifests> all_components(const Tenant& tenant) {
  std::map<std::string, Manifests> result{{"keys", secrets(tenant)},
                                          {"volumes", volumes(tenant)},
                                          {"certificates", certificates(tenant)},
                                          {"exposure", exposure(tenant)},
                                          {"database", database_and_check(tenant)},
                                          {"login", login(tenant)},
                                          {"redis", redis(tenant)},
                                          {"homeserver", homeserver(tenant)},
                                          {"workers", workers(tenant)},
                                          {"gateway", gateway(tenant)},
                                          {"web", web(tenant)},
                                          {"network", network(tenant)}};
  // Most have none, and a file for each of those would say nothing.
  if (has_mas(tenant)) result["mas"] = mas(tenant);
  if (has_bridges(tenant)) result["bridges"] = bridges(tenant);
  if (has_calls(tenant)) result["calls"] = calls(tenant);
  if (has_backup(tenant)) {
    result["backup"] = without_programs(backup(tenant));
    result["drill"] = drill(tenant);
  }
  return result;
}

Manifests all_manifests(const Tenant& tenant) {
  Manifests result;
  for (const auto& [component, manifests] : all_components(tenant)) {
    result.insert(result.end(), manifests.begin(), manifests.end());
  }
  return result;
}

Manifest find(const Manifests& manifests, const std::string& kind, const std::string& name) {
  for (const Manifest& manifest : manifests) {
    if (manifest.at("kind") == kind && string_at(manifest, "metadata/name") == name)
      return manifest;
  }
  throw std::out_of_range(kind + " " + name);
}

std::vector<json> all_pods(const Tenant& tenant) {
  std::vector<json> pods;
  for (const Manifest& manifest : all_manifests(tenant)) {
    const json& pod = at_path(manifest, "spec/template");
    if (!pod.is_null()) pods.push_back(pod);
  }
  return pods;
}

std::vector<json> containers_of(const json& pod) {
  std::vector<json> result;
  for (const char* list : {"spec/initContainers", "spec/containers"}) {
    for (const json& container : at_path(pod, list)) result.push_back(container);
  }
  return result;
}

}  // namespace alphorn::manifests
