#include <stdexcept>

#include "manifests/calls.hpp"
#include "manifests/tenant.hpp"

namespace alphorn::manifests {
namespace {

std::string url_of(const Tenant& tenant, const std::string& host) {
  const int port = tenant.node_port.value_or(kHttpsPort);
  const std::string url = "https://" + host;
  return port == kHttpsPort ? url : url + ":" + std::to_string(port);
}

}  // namespace

std::string inner_url(const Tenant& tenant, const std::string& service, int port) {
  return "http://" + service + "." + tenant.ns + ".svc:" + std::to_string(port);
}

std::string database_name(const Tenant& tenant) { return tenant.name + "-database"; }
std::string homeserver_name(const Tenant& tenant) { return tenant.name + "-homeserver"; }
std::string redis_name(const Tenant& tenant) { return tenant.name + "-redis"; }
std::string workers_config_map(const Tenant& tenant) { return tenant.name + "-workers"; }
std::string worker_keys(const Tenant& tenant) { return tenant.name + "-worker-keys"; }
std::string gateway_name(const Tenant& tenant) { return tenant.name + "-gateway"; }
std::string passthrough_name(const Tenant& tenant) { return gateway_name(tenant) + "-passthrough"; }
std::string web_name(const Tenant& tenant) { return tenant.name + "-web"; }
std::string mas_name(const Tenant& tenant) { return tenant.name + "-mas"; }
std::string mas_keys(const Tenant& tenant) { return tenant.name + "-mas-keys"; }
std::string database_claim(const Tenant& tenant) { return tenant.name + "-database-data"; }
std::string media_claim(const Tenant& tenant) { return tenant.name + "-media"; }
std::string homeserver_keys(const Tenant& tenant) { return tenant.name + "-homeserver-keys"; }
std::string database_keys(const Tenant& tenant) { return tenant.name + "-database-keys"; }
std::string database_login(const Tenant& tenant) { return tenant.name + "-database-login"; }
std::string database_check(const Tenant& tenant) { return tenant.name + "-database-check"; }
std::string administrator_id(const Tenant& tenant) {
  return "@" + tenant.spec.administrator + ":" + tenant.spec.server_name;
}
std::string administrator_secret(const Tenant& tenant) { return tenant.name + "-administrator"; }
std::string gateway_certificate(const Tenant& tenant) {
  switch (tenant.spec.tls.mode) {
    case api::Tls::Mode::operator_ca:
      return tenant.name + "-gateway-tls";
    // Another name: what the operator issued must not be taken for the issuer's, nor written over.
    case api::Tls::Mode::cert_manager:
      return tenant.name + "-gateway-issued";
    case api::Tls::Mode::secret:
      return tenant.spec.tls.secret_name;
  }
  throw std::logic_error("no such mode of certificates");
}
std::string authority_config_map(const Tenant& tenant) { return tenant.name + "-ca"; }

std::vector<std::string> claims(const Tenant& tenant) {
  if (has_external_database(tenant)) return {media_claim(tenant)};
  return {database_claim(tenant), media_claim(tenant)};
}

bool has_external_database(const Tenant& tenant) {
  return tenant.spec.database_mode != api::DatabaseMode::builtin;
}

bool has_cloudnative_pg_database(const Tenant& tenant) {
  return tenant.spec.database_mode == api::DatabaseMode::cloudnative_pg;
}

bool database_sleeps(const Tenant& tenant) {
  return tenant.spec.hibernated && tenant.database_is_unused;
}

bool is_watched(const Tenant& tenant) { return !tenant.monitoring_ns.empty(); }

bool has_bucket(const Tenant& tenant) { return tenant.spec.media_bucket.has_value(); }

bool federates(const Tenant& tenant) {
  return tenant.spec.federation.mode != api::Federation::Mode::closed;
}

bool is_signed_by_operator(const Tenant& tenant) {
  return tenant.spec.tls.mode == api::Tls::Mode::operator_ca;
}

bool is_signed_by_issuer(const Tenant& tenant) {
  return tenant.spec.tls.mode == api::Tls::Mode::cert_manager;
}

bool has_web(const Tenant& tenant) {
  return tenant.spec.web_client.enabled.value_or(true) && !tenant.images.web.empty();
}

bool has_mas(const Tenant& tenant) { return tenant.spec.authentication.mas; }

bool is_passed_through(const Tenant& tenant) {
  const api::Exposure& exposure = tenant.spec.exposure;
  return exposure.mode == api::Exposure::Mode::gateway &&
         exposure.tls_mode == api::Exposure::TlsMode::passthrough;
}

bool is_behind_proxy(const Tenant& tenant) {
  using Mode = api::Exposure::Mode;
  const Mode mode = tenant.spec.exposure.mode;
  return mode == Mode::ingress || (mode == Mode::gateway && !is_passed_through(tenant));
}

std::vector<std::string> public_hosts(const Tenant& tenant) {
  const std::string domain = api::domain_of(tenant.spec.server_name);
  std::vector<std::string> hosts{tenant.spec.matrix_host};
  if (domain != tenant.spec.matrix_host) hosts.push_back(domain);
  if (has_web(tenant)) hosts.push_back(tenant.spec.web_host);
  if (has_mas(tenant)) hosts.push_back(tenant.spec.account_host);
  if (has_calls(tenant)) hosts.push_back(tenant.spec.rtc_host);
  return hosts;
}

std::string public_url(const Tenant& tenant) { return url_of(tenant, tenant.spec.matrix_host); }

std::string web_url(const Tenant& tenant) { return url_of(tenant, tenant.spec.web_host); }

std::string account_url(const Tenant& tenant) { return url_of(tenant, tenant.spec.account_host); }

std::string rtc_url(const Tenant& tenant) { return url_of(tenant, tenant.spec.rtc_host); }

std::string mas_url(const Tenant& tenant) { return inner_url(tenant, mas_name(tenant), kMasPort); }

std::string mas_admin_url(const Tenant& tenant) {
  return inner_url(tenant, mas_name(tenant), kMasAdminPort);
}

std::string homeserver_url(const Tenant& tenant) {
  return inner_url(tenant, homeserver_name(tenant), kHomeserverPort);
}

std::string bucket_watch_url(const Tenant& tenant) {
  const std::string service = has_media_worker(tenant)
                                  ? tenant.name + "-" + api::name_of(api::WorkerRole::media)
                                  : homeserver_name(tenant);
  return inner_url(tenant, service, kBucketPort);
}

}  // namespace alphorn::manifests
