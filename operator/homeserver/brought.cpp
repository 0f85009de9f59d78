#include "homeserver/readiness.hpp"
#include "manifests/vocabulary.hpp"

// Secrets that a company brings: they carry the tenant's label, or the operator would not see them.
namespace alphorn::homeserver {

namespace {

using manifests::Tenant;

// Time enough for somebody to ask an authority for a new one.
constexpr std::chrono::hours kExpiresSoon{24 * 14};

bool has_secret(const World& world, const std::string& name) {
  return world.children.contains(ChildId{.kind = "Secret", .name = name});
}

std::string ends(const World& world, const std::string& secret) {
  const TimePoint end = world.certificate->not_after;
  const bool is_over = world.seen_at >= end;
  const bool is_issued = manifests::is_signed_by_issuer(world.tenant);
  return "the certificate in Secret " + secret + (is_over ? " expired at " : " expires at ") +
         format_time(end) +
         (is_issued ? ": cert-manager has not renewed it" : ": put a new one there");
}

std::string uncovered_hosts(const Tenant& tenant, const certificates::Facts& facts) {
  std::string hosts;
  for (const std::string& host : manifests::public_hosts(tenant)) {
    if (!certificates::covers(facts, host)) hosts += (hosts.empty() ? "" : ", ") + host;
  }
  return hosts;
}

/// Of a certificate that somebody else signed: the first thing that is wrong with it.
Readiness given_ready(const World& world, const std::string& name) {
  const std::string secret = "Secret " + name;
  if (!world.certificate) {
    return not_ready("CertificateUnreadable",
                     "tls.crt of " + secret + " holds no certificate in PEM");
  }
  if (!world.certificate_is_usable) {
    return not_ready(
        "CertificateKeyMismatch",
        "tls.key of " + secret + " is not the key of the first certificate in tls.crt");
  }
  const certificates::Facts& facts = *world.certificate;
  if (const std::string hosts = uncovered_hosts(world.tenant, facts); !hosts.empty()) {
    return not_ready("CertificateForOtherHosts",
                     "the certificate in " + secret + " is not for " + hosts);
  }
  if (world.seen_at >= facts.not_after) return not_ready("CertificateExpired", ends(world, name));
  if (world.seen_at < facts.not_before) {
    return not_ready(
        "CertificateNotYetValid",
        "the certificate in " + secret + " is not valid before " + format_time(facts.not_before));
  }
  return {.ready = true, .reason = "Ready", .message = ""};
}

/// Of a certificate that the company brought.
Readiness brought_ready(const World& world, const std::string& name) {
  if (!has_secret(world, name)) {
    return not_ready("CertificateSecretMissing", missing_secret(world, name));
  }
  Readiness given = given_ready(world, name);
  if (!given.ready || world.seen_at < world.certificate->not_after - kExpiresSoon) return given;
  return {.ready = true, .reason = "CertificateExpiresSoon", .message = ends(world, name)};
}

/// Of a certificate that cert-manager has signed.
Readiness issued_ready(const World& world, const std::string& name) {
  Readiness issuing = issuance_ready(world);
  if (!issuing.ready) return issuing;
  if (!has_secret(world, name))
    return not_ready("CertificatePending", "Secret " + name + " does not exist yet");
  Readiness given = given_ready(world, name);
  return given.ready ? issuing : given;
}

}  // namespace

std::string missing_secret(const World& world, const std::string& name) {
  const std::string label = std::string{manifests::kTenantLabel} + "=" + world.tenant.name;
  return "there is no Secret " + name + " with the label " + label +
         ": create it, or kubectl label secret " + name + " " + label;
}

Readiness authentication_ready(const World& world) {
  if (const auto elsewhere = accounts_elsewhere(world)) return *elsewhere;
  for (const api::OidcProvider& provider : world.tenant.spec.authentication.oidc) {
    const std::string& name = provider.secret_name;
    if (!has_secret(world, name)) {
      return not_ready("ClientSecretMissing",
                       "provider " + provider.id + ": " + missing_secret(world, name));
    }
    const json& data = at_path(*world.child("Secret", name), "data");
    if (string_at(data, provider.secret_key.c_str()).empty()) {
      return not_ready("ClientSecretMissing", "provider " + provider.id + ": Secret " + name +
                                                  " has no key \"" + provider.secret_key + "\"");
    }
  }
  return {.ready = true, .reason = "Ready", .message = ""};
}

Readiness certificates_ready(const World& world) {
  const std::string name = manifests::gateway_certificate(world.tenant);
  switch (world.tenant.spec.tls.mode) {
    case api::Tls::Mode::secret:
      return brought_ready(world, name);
    case api::Tls::Mode::cert_manager:
      return issued_ready(world, name);
    case api::Tls::Mode::operator_ca:
      break;
  }
  if (!has_secret(world, name))
    return not_ready("Creating", "Secret " + name + " does not exist yet");
  if (!world.certificate) {
    return not_ready("CertificateUnreadable", "Secret " + name + " holds no certificate");
  }
  if (!world.authority_problem.empty()) {
    return {.ready = true, .reason = "AuthorityUnreadable", .message = world.authority_problem};
  }
  return {.ready = true, .reason = "Ready", .message = ""};
}

}  // namespace alphorn::homeserver
