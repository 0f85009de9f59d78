#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

/// Without a class nothing is said, and the cluster's default is taken once and for all.
Manifest claim(const Tenant& tenant, const std::string& name, const api::Storage& storage) {
  Manifest result = {{"apiVersion", "v1"},
                     {"kind", "PersistentVolumeClaim"},
                     {"metadata", kept_metadata(tenant, "volumes", name)},
                     {"spec",
                      {{"accessModes", json::array({"ReadWriteOnce"})},
                       {"resources", {{"requests", {{"storage", storage.size}}}}}}}};
  if (!storage.storage_class.empty()) result["spec"]["storageClassName"] = storage.storage_class;
  return result;
}

}  // namespace

Manifests volumes(const Tenant& tenant) {
  Manifest media = claim(tenant, media_claim(tenant), tenant.spec.media);
  if (has_external_database(tenant)) return {media};
  return {claim(tenant, database_claim(tenant), tenant.spec.database), media};
}

}  // namespace alphorn::manifests
