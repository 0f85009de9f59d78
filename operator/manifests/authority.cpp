#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {

Manifests authority(const Tenant& tenant) {
  if (!is_signed_by_operator(tenant)) return {};
  return {config_map(tenant, "certificates", authority_config_map(tenant),
                     {{"ca.crt", tenant.authority_pem}})};
}

}  // namespace alphorn::manifests
