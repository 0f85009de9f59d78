#include "homeserver/trust.hpp"

#include <algorithm>
#include <set>

#include "base/encoding.hpp"
#include "certificates/rollover.hpp"
#include "homeserver/status.hpp"
#include "homeserver/workers.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

using manifests::Tenant;

constexpr const char* kAuthorityFile = "ca.crt";

json object_of(const Cache& cache, const kube::Kind& kind, const Tenant& tenant,
               const std::string& name) {
  const controller::Store* store = cache.store_of(kind, tenant.ns);
  const auto object = store == nullptr ? nullptr : store->get({.ns = tenant.ns, .name = name});
  return object ? object->read() : json{};
}

bool is_rolled_out(const json& workload) {
  const std::int64_t replicas = integer_at(workload, "spec/replicas", 1);
  return integer_at(workload, "status/observedGeneration") ==
             integer_at(workload, "metadata/generation") &&
         integer_at(workload, "status/updatedReplicas") >= replicas &&
         integer_at(workload, "status/replicas") == replicas &&
         string_at(workload, "status/currentRevision") ==
             string_at(workload, "status/updateRevision");
}

/// True also for one that is not there: it will be made with what is trusted then.
bool tells(const Cache& cache, const Tenant& tenant, const std::string& config_map,
           const std::string& pem) {
  const json object = object_of(cache, kube::kinds::kConfigMap, tenant, config_map);
  if (object.is_null()) return true;
  const json& data = at_path(object, "data");
  return data.is_object() && data.value(kAuthorityFile, "").find(pem) != std::string::npos;
}

/// What the homeserver's configuration was when its pods were made; workers follow the main
/// process.
std::string config_of(const json& set) {
  const json& annotations = at_path(set, "spec/template/metadata/annotations");
  return annotations.is_object() ? annotations.value(manifests::kConfigHash, "") : "";
}

bool servers_are_rolled_out(const Cache& cache, const Tenant& tenant) {
  const json main =
      object_of(cache, kube::kinds::kStatefulSet, tenant, manifests::homeserver_name(tenant));
  const auto sets = cache.owned(kube::kinds::kStatefulSet, {.ns = tenant.ns, .name = tenant.name});
  return std::all_of(sets.begin(), sets.end(), [&](const auto& one) {
    const json set = one->read();
    return is_rolled_out(set) && (!is_worker(set) || config_of(set) == config_of(main));
  });
}

bool trusts(const Cache& cache, const api::CompanyHomeserver& resource, const Tenant& tenant,
            const std::string& pem) {
  if (tenant.spec.paused || tenant.spec.hibernated || is_trouble(resource.status)) return true;
  if (manifests::is_signed_by_operator(tenant) &&
      !tells(cache, tenant, manifests::authority_config_map(tenant), pem)) {
    return false;
  }
  return !manifests::federates(tenant) ||
         (tells(cache, tenant, manifests::homeserver_name(tenant), pem) &&
          servers_are_rolled_out(cache, tenant));
}

/// Its pods were made for the certificate that lies in the Secret.
bool gateway_follows(const Cache& cache, const Tenant& tenant, const std::string& serial) {
  if (tenant.spec.hibernated) return true;
  const json gateway =
      object_of(cache, kube::kinds::kDeployment, tenant, manifests::gateway_name(tenant));
  if (gateway.is_null()) return true;
  const json& annotations = at_path(gateway, "spec/template/metadata/annotations");
  return annotations.is_object() && is_rolled_out(gateway) &&
         annotations.value(manifests::kCertificateSerial, "") == serial;
}

bool shows(const Cache& cache, const Tenant& tenant, const std::vector<std::string>& authorities) {
  if (!manifests::is_signed_by_operator(tenant)) return false;
  const json secret =
      object_of(cache, kube::kinds::kSecret, tenant, manifests::gateway_certificate(tenant));
  if (secret.is_null()) return false;
  const json& data = at_path(secret, "data");
  const std::string pem = data.is_object() ? base64_decode(data.value("tls.crt", "")) : "";
  const auto facts = certificates::inspect(pem);
  if (!facts) return false;
  return std::any_of(authorities.begin(), authorities.end(),
                     [&](const auto& one) { return certificates::is_signed_by(pem, one); }) ||
         !gateway_follows(cache, tenant, facts->serial);
}

/// The first tenant of which that is true.
template <typename Question>
std::string first_of(const Cache& cache, const Question& question) {
  for (const controller::ObjectPtr& object : cache.tenants()) {
    const api::CompanyHomeserver resource = api::company_homeserver_from(object->read());
    if (resource.deleting || !api::validate(resource).empty()) continue;
    Tenant tenant;
    tenant.name = resource.name;
    tenant.ns = resource.ns;
    tenant.spec = resource.spec;
    if (question(resource, tenant)) return tenant.ns + "/" + tenant.name;
  }
  return "";
}

}  // namespace

std::string who_distrusts(const Cache& cache, const std::string& pem) {
  return first_of(cache, [&](const auto& resource, const Tenant& tenant) {
    return !trusts(cache, resource, tenant, pem);
  });
}

std::string who_shows(const Cache& cache, const std::string& pem) {
  const std::vector<std::string> authorities = certificates::split_pem(pem);
  return first_of(
      cache, [&](const auto&, const Tenant& tenant) { return shows(cache, tenant, authorities); });
}

std::string published_authorities(const Cache& cache) {
  std::set<std::string> known;
  first_of(cache, [&](const auto&, const Tenant& tenant) {
    const json published =
        object_of(cache, kube::kinds::kConfigMap, tenant, manifests::authority_config_map(tenant));
    const json& data = at_path(published, "data");
    if (!data.is_object()) return false;
    for (std::string& one : certificates::split_pem(data.value(kAuthorityFile, ""))) {
      if (certificates::is_authority(one, std::chrono::system_clock::now()))
        known.insert(std::move(one));
    }
    return false;
  });
  std::string result;
  for (const std::string& one : known) result += one;
  return result;
}

}  // namespace alphorn::homeserver
