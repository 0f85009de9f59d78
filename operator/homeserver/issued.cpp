#include <algorithm>

#include "homeserver/readiness.hpp"
#include "manifests/vocabulary.hpp"

// What cert-manager says about the certificate that it was asked for.
namespace alphorn::homeserver {

namespace {

// It renews when a third of the life is left; what is so much late is stuck.
constexpr std::chrono::hours kLate{1};

const json& condition_of(const json& object, const char* type) {
  static const json kNone;
  for (const json& one : at_path(object, "status/conditions")) {
    if (string_at(one, "type") == type) return one;
  }
  return kNone;
}

bool is_true(const json& condition) { return string_at(condition, "status") == "True"; }

bool is_about(const json& request, const json& certificate) {
  const json& owners = at_path(request, "metadata/ownerReferences");
  return std::any_of(owners.begin(), owners.end(), [&](const json& owner) {
    return string_at(owner, "uid") == string_at(certificate, "metadata/uid");
  });
}

std::int64_t revision_of(const json& request) {
  const json& annotations = at_path(request, "metadata/annotations");
  const std::string text =
      annotations.is_object() ? annotations.value("cert-manager.io/certificate-revision", "") : "";
  const bool is_number = !text.empty() && text.size() < 10 &&
                         text.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? std::stol(text) : 0;
}

/// The request that is under way or was made last; null when there is none.
const json* last_request(const World& world, const json& certificate) {
  const json* last = nullptr;
  for (const auto& [id, object] : world.children) {
    if (id.kind != "CertificateRequest" || !is_about(*object, certificate)) continue;
    if (last == nullptr || revision_of(*object) > revision_of(*last)) last = object.get();
  }
  return last;
}

std::string issuer_of(const World& world) {
  const api::IssuerRef& issuer = world.tenant.spec.tls.issuer.value();
  return issuer.kind + " " + issuer.name;
}

/// Why there is no certificate (yet): the request knows more of it than the Certificate.
Readiness explained(const World& world, const json& certificate, const std::string& name) {
  const std::string what = "Certificate " + name + " of " + issuer_of(world);
  const json& issuing = condition_of(certificate, "Issuing");
  const json* request = last_request(world, certificate);
  static const json kNoAnswer;
  const json& answer = request == nullptr ? kNoAnswer : condition_of(*request, "Ready");
  const std::string reason = string_at(answer, "reason");
  const std::string message = string_at(answer, "message");
  if (reason == "Failed" || reason == "Denied") {
    return not_ready("CertificateRefused", what + ": " + message);
  }
  if (!issuing.is_null() && !is_true(issuing) && string_at(issuing, "reason") == "Failed") {
    return not_ready("CertificateRefused", what + ": " + string_at(issuing, "message"));
  }
  // cert-manager's own words; it gives no reasons of its own for these.
  const auto says = [&](const char* words) { return message.find(words) != std::string::npos; };
  if (says("Referenced secret") || says("not have a Ready status")) {
    return not_ready("IssuerNotReady", what + ": " + message);
  }
  if (says("not found")) return not_ready("IssuerMissing", what + ": " + message);
  if (!message.empty()) return not_ready("CertificatePending", what + ": " + message);
  return not_ready("CertificatePending",
                   what + " is asked for; when nothing comes, cert-manager does not run");
}

}  // namespace

Readiness issuance_ready(const World& world) {
  const std::string name = manifests::gateway_certificate(world.tenant);
  if (!world.tenant.has_certificates) {
    return not_ready("CertManagerMissing",
                     "the cluster does not know Certificate of cert-manager.io/v1: install "
                     "cert-manager");
  }
  const json* certificate = world.child("Certificate", name);
  if (certificate == nullptr) {
    return not_ready("Creating", "Certificate " + name + " does not exist yet");
  }
  const json& ready = condition_of(*certificate, "Ready");
  const std::int64_t generation = integer_at(*certificate, "metadata/generation");
  if (!is_true(ready) || integer_at(ready, "observedGeneration", generation) < generation) {
    return explained(world, *certificate, name);
  }
  const auto renewal = parse_time(string_at(*certificate, "status/renewalTime"));
  if (renewal && world.seen_at >= *renewal + kLate) {
    return {.ready = true,
            .reason = "CertificateRenewalLate",
            .message = explained(world, *certificate, name).message};
  }
  return {.ready = true, .reason = "Ready", .message = ""};
}

}  // namespace alphorn::homeserver
