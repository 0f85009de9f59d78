#include "api/company_homeserver.hpp"

#include "api/quantity.hpp"
#include "api/rules.hpp"

namespace alphorn::api {
namespace {

// The schema's defaults once more; a contract test compares the two.
constexpr const char* kMediaSize = "10Gi";
constexpr const char* kDatabaseSize = "5Gi";
constexpr const char* kMaxUploadSize = "100M";
constexpr const char* kAdministrator = "admin";
constexpr const char* kIssuerKind = "Issuer";
constexpr const char* kIssuerGroup = "cert-manager.io";
constexpr const char* kBrand = "Chat";

Storage storage_from(const json& parent, const char* default_size) {
  return {.size = canonical_quantity(string_or(parent, "size", default_size)),
          .storage_class = string_at(parent, "storageClassName")};
}

Exposure::Mode exposure_mode_from(const std::string& mode) {
  if (mode == "nodePort") return Exposure::Mode::node_port;
  if (mode == "loadBalancer") return Exposure::Mode::load_balancer;
  if (mode == "ingress") return Exposure::Mode::ingress;
  return mode == "gateway" ? Exposure::Mode::gateway : Exposure::Mode::none;
}

std::optional<Exposure::TlsMode> tls_mode_from(const std::string& mode) {
  if (mode.empty()) return std::nullopt;
  return mode == "passthrough" ? Exposure::TlsMode::passthrough : Exposure::TlsMode::terminate;
}

Exposure exposure_from(const json& exposure) {
  Exposure result{.mode = exposure_mode_from(string_at(exposure, "mode")),
                  .class_name = string_at(exposure, "className"),
                  .tls_mode = tls_mode_from(string_at(exposure, "tlsMode")),
                  .trusted_proxies = texts_at(exposure, "trustedProxies")};
  const json& port = at_path(exposure, "nodePort");
  if (port.is_number_integer()) result.node_port = port.get<int>();
  for (const auto& [key, value] : at_path(exposure, "annotations").items()) {
    if (value.is_string()) result.annotations[key] = value.get<std::string>();
  }
  if (const json& parent = at_path(exposure, "parentRef"); parent.is_object()) {
    result.parent = ParentRef{.name = string_at(parent, "name"),
                              .ns = string_at(parent, "namespace"),
                              .section = string_at(parent, "sectionName")};
  }
  return result;
}

Tls tls_from(const json& tls) {
  const std::string mode = string_at(tls, "mode");
  Tls result{.mode = mode == "secret"        ? Tls::Mode::secret
                     : mode == "certManager" ? Tls::Mode::cert_manager
                                             : Tls::Mode::operator_ca,
             .secret_name = string_at(tls, "secretName")};
  if (const json& issuer = at_path(tls, "issuerRef"); issuer.is_object()) {
    result.issuer = IssuerRef{.name = string_at(issuer, "name"),
                              .kind = string_or(issuer, "kind", kIssuerKind),
                              .group = string_or(issuer, "group", kIssuerGroup)};
  }
  return result;
}

Federation federation_from(const json& federation) {
  const std::string mode = string_at(federation, "mode");
  return {.mode = mode == "allowlist" ? Federation::Mode::allowlist
                  : mode == "open"    ? Federation::Mode::open
                                      : Federation::Mode::closed,
          .allow = texts_at(federation, "allow"),
          .private_networks = texts_at(federation, "privateNetworks")};
}

EncryptedRooms encrypted_rooms_from(const std::string& rooms) {
  if (rooms == "off") return EncryptedRooms::off;
  return rooms == "all" ? EncryptedRooms::all : EncryptedRooms::invite;
}

DeletionPolicy deletion_policy_from(const std::string& policy) {
  if (policy == "FinalBackup") return DeletionPolicy::final_backup;
  return policy == "Delete" ? DeletionPolicy::erase : DeletionPolicy::retain;
}

WebClient web_client_from(const json& web_client) {
  WebClient result{.enabled = {}, .brand = string_or(web_client, "brand", kBrand)};
  if (const json& enabled = at_path(web_client, "enabled"); enabled.is_boolean()) {
    result.enabled = enabled.get<bool>();
  }
  return result;
}

CompanyHomeserverSpec spec_from(const json& spec) {
  CompanyHomeserverSpec result;
  result.server_name = string_at(spec, "serverName");
  result.contact = string_at(spec, "company/contact");
  result.version = string_at(spec, "version");
  result.channel = string_at(spec, "channel");
  result.matrix_host = string_or(spec, "hosts/matrix", "matrix." + domain_of(result.server_name));
  result.web_host = string_or(spec, "hosts/web", "chat." + domain_of(result.server_name));
  result.account_host =
      string_or(spec, "hosts/account", "account." + domain_of(result.server_name));
  result.rtc_host = string_or(spec, "hosts/rtc", "rtc." + domain_of(result.server_name));
  result.administrator = string_or(spec, "administrator/localpart", kAdministrator);
  result.media = storage_from(at_path(spec, "homeserver/media"), kMediaSize);
  result.media_bucket = media_bucket_from(at_path(spec, "homeserver/media/s3"));
  result.max_upload_size = string_or(spec, "homeserver/maxUploadSize", kMaxUploadSize);
  result.database = storage_from(at_path(spec, "database"), kDatabaseSize);
  read_database(at_path(spec, "database"), result);
  result.exposure = exposure_from(at_path(spec, "exposure"));
  result.tls = tls_from(at_path(spec, "tls"));
  result.federation = federation_from(at_path(spec, "federation"));
  read_size(spec, result);
  result.authentication = authentication_from(at_path(spec, "authentication"));
  result.ca_bundle = string_at(spec, "homeserver/caBundle");
  result.encrypted_rooms = encrypted_rooms_from(string_at(spec, "encryption/rooms"));
  result.web_client = web_client_from(at_path(spec, "webClient"));
  result.bridges = bridges_from(at_path(spec, "bridges"));
  result.calls = calls_from(at_path(spec, "calls"));
  result.backup = backup_from(at_path(spec, "backup"));
  result.network_policies = at_path(spec, "networkPolicy/enabled") != false;
  result.priority_class = string_at(spec, "priorityClassName");
  result.deletion_policy = deletion_policy_from(string_at(spec, "deletionPolicy"));
  result.paused = at_path(spec, "paused") == true;
  result.hibernated = at_path(spec, "hibernated") == true;
  result.fenced = at_path(spec, "fenced") == true;
  return result;
}

}  // namespace

std::string string_or(const json& object, const char* path, const std::string& otherwise) {
  const json& value = at_path(object, path);
  return value.is_string() ? value.get<std::string>() : otherwise;
}

std::vector<std::string> texts_at(const json& object, const char* path) {
  std::vector<std::string> result;
  for (const json& text : at_path(object, path)) {
    if (text.is_string()) result.push_back(text.get<std::string>());
  }
  return result;
}

std::string domain_of(const std::string& server_name) {
  return server_name.substr(0, server_name.find(':'));
}

CompanyHomeserver company_homeserver_from(const json& object) {
  CompanyHomeserver tenant;
  tenant.name = string_at(object, "metadata/name");
  tenant.ns = string_at(object, "metadata/namespace");
  tenant.uid = string_at(object, "metadata/uid");
  tenant.resource_version = string_at(object, "metadata/resourceVersion");
  tenant.generation = integer_at(object, "metadata/generation");
  tenant.deleting = !at_path(object, "metadata/deletionTimestamp").is_null();
  tenant.finalizers = texts_at(object, "metadata/finalizers");
  for (const auto& [key, value] : at_path(object, "metadata/annotations").items()) {
    if (value.is_string() && key.starts_with(kRotatePrefix)) {
      tenant.rotations[key.substr(std::string_view{kRotatePrefix}.size())] = value;
    }
  }
  tenant.spec = spec_from(at_path(object, "spec"));
  const json& status = at_path(object, "status");
  if (status.is_object()) tenant.status = status;
  return tenant;
}

}  // namespace alphorn::api
