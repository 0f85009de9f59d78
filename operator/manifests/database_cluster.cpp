#include "manifests/database_login.hpp"
#include "manifests/vocabulary.hpp"
#include "manifests/workers.hpp"

// A database that CloudNativePG runs. Written against its documented API and never run: preview.
namespace alphorn::manifests {
namespace {

constexpr int kInstances = 2;

/// The role that owns the database, and its password in a Secret, are made by CloudNativePG.
Manifest cluster(const Tenant& tenant) {
  json storage = {{"size", tenant.spec.database.size}};
  if (!tenant.spec.database.storage_class.empty()) {
    storage["storageClass"] = tenant.spec.database.storage_class;
  }
  json result = {{"apiVersion", "postgresql.cnpg.io/v1"},
                 {"kind", "Cluster"},
                 {"metadata", kept_metadata(tenant, "database", database_name(tenant))},
                 {"spec",
                  {{"instances", tenant.spec.database_instances.value_or(kInstances)},
                   {"bootstrap",
                    {{"initdb",
                      {{"database", kDatabaseRole},
                       {"owner", kDatabaseRole},
                       {"dataChecksums", true},
                       {"encoding", "UTF8"},
                       {"localeCollate", "C"},
                       {"localeCType", "C"}}}}},
                   // By this label the operator sees the Secret that is made.
                   {"inheritedMetadata", {{"labels", {{kTenantLabel, tenant.name}}}}},
                   {"resources", tenant.spec.database_resources},
                   {"storage", storage}}}};
  const int connections = database_connections(tenant);
  if (connections > kUsualConnections) {
    result["spec"]["postgresql"]["parameters"] = {{"max_connections", std::to_string(connections)}};
  }
  if (!tenant.spec.priority_class.empty()) {
    result["spec"]["priorityClassName"] = tenant.spec.priority_class;
  }
  result["metadata"]["annotations"][kClusterHibernation] = database_sleeps(tenant) ? "on" : "off";
  return result;
}

}  // namespace

std::optional<api::ExternalDatabase> external_database(const Tenant& tenant) {
  if (!has_cloudnative_pg_database(tenant)) return tenant.spec.external_database;
  return api::ExternalDatabase{.host = database_name(tenant) + "-rw",
                               .port = kDatabasePort,
                               .database = kDatabaseRole,
                               .user = kDatabaseRole,
                               .secret_name = database_name(tenant) + "-app",
                               .secret_key = "password",
                               .ssl_mode = "require",
                               .ca_bundle = "",
                               .networks = {}};
}

Manifests database_cluster(const Tenant& tenant) {
  if (!has_cloudnative_pg_database(tenant) || !tenant.has_cloudnative_pg) return {};
  return {cluster(tenant)};
}

}  // namespace alphorn::manifests
