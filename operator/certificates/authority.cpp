#include "certificates/authority.hpp"

#include "base/encoding.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::certificates {

namespace {

constexpr const char* kSecretName = "alphorn-ca";
constexpr const char* kCommonName = "Alphorn tenants";

KeyPair pair_in(const json& secret, const std::string& where) {
  const std::string certificate = base64_decode(string_at(secret, "data/tls.crt"));
  const Secret key{base64_decode(string_at(secret, "data/tls.key"))};
  // Leaves signed by anything else would be found wanting and issued again without end.
  if (!is_authority(certificate, std::chrono::system_clock::now()) ||
      !key_matches(certificate, key)) {
    throw std::runtime_error(where +
                             ": tls.crt and tls.key are no certificate authority in force; "
                             "restore the Secret from a backup, or delete it to have a new "
                             "one made");
  }
  return {certificate, key};
}

json secret_of(const KeyPair& pair, const std::string& ns) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata",
       {{"name", kSecretName},
        {"namespace", ns},
        {"labels",
         {{manifests::kManagedByLabel, manifests::kManagedBy}, {manifests::kKeepLabel, "true"}}}}},
      {"type", "kubernetes.io/tls"},
      {"data",
       {{"tls.crt", base64_encode(pair.certificate_pem)},
        {"tls.key", base64_encode(pair.key_pem.reveal())}}}};
}

}  // namespace

std::shared_ptr<const Authority> Authority::open(const kube::Client& client,
                                                 const std::string& ns) {
  const kube::ObjectRef reference{.kind = kube::kinds::kSecret, .ns = ns, .name = kSecretName};
  if (const auto secret = client.get(reference)) {
    return std::make_shared<Authority>(pair_in(*secret, reference.display()));
  }
  const KeyPair fresh = make_authority(kCommonName, std::chrono::system_clock::now());
  try {
    client.create(kube::kinds::kSecret, secret_of(fresh, ns));
    return std::make_shared<Authority>(fresh);
  } catch (const kube::ApiError& error) {
    // A leader that has just lost its lease may have been quicker; its authority counts.
    if (!error.already_exists()) throw;
    return open(client, ns);
  }
}

}  // namespace alphorn::certificates
