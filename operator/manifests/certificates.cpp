#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

/// The Secret's label makes the operator see it; the key is another with each certificate.
Manifest request(const Tenant& tenant) {
  const api::IssuerRef& issuer = tenant.spec.tls.issuer.value();
  const std::string name = gateway_certificate(tenant);
  return {
      {"apiVersion", "cert-manager.io/v1"},
      {"kind", "Certificate"},
      {"metadata", metadata(tenant, "certificates", name)},
      {"spec",
       {{"secretName", name},
        {"secretTemplate", {{"labels", {{kTenantLabel, tenant.name}}}}},
        {"dnsNames", public_hosts(tenant)},
        {"privateKey", {{"algorithm", "ECDSA"}, {"size", 256}, {"rotationPolicy", "Always"}}},
        {"usages", json::array({"digital signature", "server auth"})},
        {"issuerRef", {{"name", issuer.name}, {"kind", issuer.kind}, {"group", issuer.group}}}}}};
}

}  // namespace

Manifests certificates(const Tenant& tenant) {
  if (is_signed_by_operator(tenant)) {
    return {config_map(tenant, "certificates", authority_config_map(tenant),
                       {{"ca.crt", tenant.authority_pem}})};
  }
  if (is_signed_by_issuer(tenant) && tenant.has_certificates) return {request(tenant)};
  return {};
}

}  // namespace alphorn::manifests
