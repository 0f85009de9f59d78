#include "template.hpp"

#include "homeserver/components.hpp"
#include "manifests/database_login.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::bench {
namespace {

// Words that occur nowhere else. They look like what they stand for, so that YAML quotes them
// alike.
constexpr const char* kName = "tplname";
constexpr const char* kNamespace = "tplspace";
constexpr const char* kUid = "tpluid";
constexpr const char* kServerName = "tpldomain.example";
constexpr const char* kUploadSize = "7654321M";
constexpr const char* kSerial = "TPLSERIAL";
constexpr const char* kAuthority = "TPLAUTHORITY";
// Where the contestants are told that they run.
constexpr const char* kOperatorNamespace = "alphorn-system";
constexpr const char* kRelease = "1.163.2";

manifests::Tenant placeholder_tenant() {
  const json resource = {{"metadata", {{"name", kName}, {"namespace", kNamespace}, {"uid", kUid}}},
                         {"spec",
                          {{"serverName", kServerName},
                           {"version", kRelease},
                           {"homeserver", {{"maxUploadSize", kUploadSize}}}}}};
  manifests::Tenant tenant;
  tenant.name = kName;
  tenant.ns = kNamespace;
  tenant.uid = kUid;
  tenant.spec = api::company_homeserver_from(resource).spec;
  tenant.version = kRelease;
  tenant.images = {.postgres = "bench/postgres:15",
                   .synapse = std::string("bench/synapse:v") + kRelease,
                   .nginx = "bench/nginx:1",
                   .web = ""};
  tenant.operator_ns = kOperatorNamespace;
  tenant.login.role = manifests::kDatabaseRole;
  tenant.certificate_serial = kSerial;
  tenant.authority_pem = kAuthority;
  return tenant;
}

json described(const manifests::Manifest& manifest) {
  json result = {{"type", "manifest"}, {"manifest", manifest.dump()}};
  if (string_at(manifest, "kind") == "ConfigMap") result["data"] = at_path(manifest, "data").dump();
  return result;
}

json described(const manifests::SecretRecipe& recipe) {
  json entries = json::array();
  for (const auto& entry : recipe.entries) {
    const bool signing_key = entry.draw == manifests::SecretRecipe::Draw::signing_key;
    entries.push_back({{"key", entry.key}, {"draw", signing_key ? "signingKey" : "token"}});
  }
  return {{"type", "secret"}, {"metadata", recipe.metadata.dump()}, {"entries", entries}};
}

json described(const homeserver::CertificateWish& wish) {
  return {{"type", "certificate"},
          {"name", wish.secret_name},
          {"metadata", wish.metadata.dump()},
          {"hosts", wish.hosts}};
}

json described(const homeserver::AdministratorWish& wish) {
  return {{"type", "administrator"}, {"name", wish.secret_name}, {"localpart", wish.localpart}};
}

/// To who makes it, it is a Secret with two values: what they say is the database's matter.
json described(const homeserver::LoginWish& wish) {
  json entries = json::array();
  for (const std::string& key : {wish.login.role, std::string{manifests::kLoginFile}}) {
    entries.push_back({{"key", key}, {"draw", "token"}});
  }
  return {{"type", "secret"}, {"metadata", wish.metadata.dump()}, {"entries", entries}};
}

}  // namespace

json tenant_template() {
  homeserver::World world;
  world.tenant = placeholder_tenant();
  world.storage_classes = {.names = {"bench"}, .expandable = {}, .default_name = "bench"};
  json components = json::array();
  for (const homeserver::Component& component : homeserver::components()) {
    json wishes = json::array();
    for (const homeserver::Wish& wish : component.desire(world)) {
      wishes.push_back(std::visit([](const auto& one) { return described(one); }, wish));
    }
    components.push_back(
        {{"name", component.name}, {"needs", component.needs}, {"wishes", wishes}});
  }
  return {{"placeholders",
           {{"name", kName},
            {"namespace", kNamespace},
            {"uid", kUid},
            {"serverName", kServerName},
            {"uploadSize", kUploadSize},
            {"serial", kSerial},
            {"authority", kAuthority}}},
          {"release", kRelease},
          {"components", components}};
}

}  // namespace alphorn::bench
