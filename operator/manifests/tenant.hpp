#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/company_homeserver.hpp"
#include "base/json.hpp"

namespace alphorn::manifests {

/// Full image references, resolved from the catalogue for one tenant.
struct Images {
  std::string postgres;
  std::string synapse;
  std::string nginx;
  // Beside the programs whose metrics Prometheus reads; "" when nobody does.
  std::string postgres_exporter = {};
  std::string nginx_exporter = {};
  std::string web;  ///< "" when the catalogue names none
  std::string redis = {};
  std::string mas = {};                             ///< "" when the catalogue names none
  std::map<std::string, std::string> bridges = {};  ///< by type
  std::string livekit = {};
  std::string coturn = {};          ///< either "": calls are not offered
  std::string lk_jwt_service = {};  ///< "": only calls of two people are offered
  std::string backup = {};          ///< "": backups are not offered
  bool operator==(const Images&) const = default;
};

/// What is seen of a bridge's Secrets.
struct BridgeSeen {
  std::string keys;     ///< stands for the Secret with its keys; "" while it is missing
  std::string brought;  ///< version of the Secret that the company brings; "" while it is missing
  bool operator==(const BridgeSeen&) const = default;
};

/// How programs log in to the database, and what is under way about it. Never a password.
struct DatabaseLogin {
  std::string role;      ///< who they log in as now; "" while there is nobody to log in as
  std::string next;      ///< who they will log in as, once the database is seen to let them in
  std::string former;    ///< who they logged in as before; let in until all have read the new one
  std::string since;     ///< when `former` was left
  std::string rotation;  ///< stands for the request by which the last new password was drawn
  std::string source;    ///< version of the company's Secret that the password was taken from
  bool operator==(const DatabaseLogin&) const = default;
};

/// What was seen of how media of calls come in; see calls.hpp.
struct CallsSeen {
  // Ports from outside; nothing before the API server gave them.
  std::optional<int> udp_port;
  std::optional<int> tcp_port;
  std::optional<int> turn_port;
  // Addresses from outside; "" while nobody knows.
  std::string media_address;
  std::string turn_address;
  std::string inner_address;  ///< where the gateway is reached inside the cluster
  std::string keys;           ///< stands for the Secret with their keys; "" while it is missing
  bool operator==(const CallsSeen&) const = default;
};

/// What was seen of what goes into a backup. Never a value of a Secret.
struct BackupSeen {
  json resource = json::object();  ///< the CompanyHomeserver as somebody applied it
  json secrets = json::array();    ///< name, type, labels and annotations of each that goes along
  std::vector<std::string> holds;  ///< sets that stay whatever the retention says
  std::string problem;             ///< a Secret that is missing; "" when all are there
};

/// Everything a manifest may depend on: what was asked for, plus the few observed facts that reach
/// into manifests. Two equal tenants give equal manifests.
struct Tenant {
  std::string name;
  std::string ns;
  std::string uid;
  api::CompanyHomeserverSpec spec;
  std::string version;  ///< the Synapse release to run, a followed channel resolved
  Images images;
  /// The port that the API server gave the gateway; nothing before it did, or when not exposed so.
  std::optional<int> node_port;
  /// The cluster's default, or the one that its Ingress has already; "" when there is none.
  std::string default_ingress_class;
  /// The cluster knows cert-manager's Certificates.
  bool has_certificates = false;
  /// The cluster knows the kinds of CloudNativePG.
  bool has_cloudnative_pg = false;
  /// The cluster knows HTTPRoutes.
  bool has_routes = false;
  /// The version in which the cluster knows TLSRoutes, such as v1; "" when it does not.
  std::string tls_route_version;
  /// Serial number of the gateway's certificate: a new one rolls the gateway.
  std::string certificate_serial;
  /// The versions of the Secrets that the homeserver's configuration has secrets from, those of
  /// providers and the key to the bucket: new ones roll it.
  std::string client_secrets_seen;
  /// The same of those that Matrix Authentication Service has, where it keeps the accounts.
  std::string mas_secrets_seen;
  DatabaseLogin login;
  /// The version of the Secret with the password of an external database; "" while it is missing.
  std::string database_secret_seen;
  /// PEM of whom to trust where somebody else signs: who did, or else the certificate itself; ""
  /// for the operator's own.
  std::string brought_certificate_pem;
  /// Public parts of the keys that signed before, as Synapse's old_signing_keys wants them.
  json old_signing_keys = json::object();
  /// Stands for the homeserver's keys being others than at first: new ones roll it. "" at first.
  std::string keys_rotated;
  /// Stands for the Secret that processes of the homeserver know one another by; another one rolls
  /// them. "" while it is missing.
  std::string worker_keys_seen;
  /// By name, of those that can run.
  std::map<std::string, BridgeSeen> bridges_seen;
  /// One that is wanted no more is not gone yet.
  bool bridges_leave = false;
  /// Stands for the Secret with which bridges write in the name of people; "" while it is missing.
  std::string double_puppet_seen;
  CallsSeen calls;
  BackupSeen backup_seen;
  /// How many workers there are to be by the sets that are there: more than are wanted, for a while
  /// after fewer were asked for.
  int workers_seen = 0;
  /// A CompanyDirectory is about it: its runs ask the homeserver.
  bool has_directory = false;
  /// Nothing uses the database any more: when the tenant hibernates, it stops last.
  bool database_is_unused = false;
  /// PEM of the operator's authorities that are trusted now, the one that signs first: published to
  /// clients in a ConfigMap, and told to homeservers that federate.
  std::string authority_pem;
  /// Namespace of the operator itself, which asks the tenant's programs how they are.
  std::string operator_ns;
  /// Namespace of the Prometheus that reads the metrics of its programs; "" when there is none.
  std::string monitoring_ns;
};

using Manifest = json;
using Manifests = std::vector<Manifest>;

/// A Secret whose values are drawn when it is created and never again. Each entry says how.
struct SecretRecipe {
  enum class Draw { token, signing_key, hex_key, rsa_key };
  struct Entry {
    std::string key;
    Draw draw;
    bool operator==(const Entry&) const = default;
  };
  std::string name;
  json metadata;  ///< the manifest's metadata; kept Secrets have no owner and outlive the tenant
  std::vector<Entry> entries;
  bool operator==(const SecretRecipe&) const = default;
};

// Ports, each spelled once here and once in scripts/nginx.conf where nginx has a part in it.
inline constexpr int kDatabasePort = 5432;
inline constexpr int kHomeserverPort = 8008;
inline constexpr int kReplicationPort = 9093;  // between processes of the homeserver
inline constexpr int kRedisPort = 6379;
inline constexpr int kMetricsPort = 9000;  // the homeserver's
inline constexpr int kDatabaseMetricsPort = 9187;
inline constexpr int kGatewayMetricsPort = 9113;
inline constexpr int kGatewayStatusPort = 8099;  // on its own loopback, for the exporter beside it
inline constexpr int kBucketPort = 9020;  // of who watches over the bucket, beside the homeserver
inline constexpr int kGatewayPort = 8443;
inline constexpr int kGatewayHealthPort = 8080;
inline constexpr int kGatewayPlainPort = 8081;    // for an Ingress controller or a Gateway alone
inline constexpr int kGatewayBridgesPort = 8082;  // for bridges alone
inline constexpr int kWebPort = 8080;             // the web client's
inline constexpr int kMasPort = 8080;             // people, apps and the homeserver
inline constexpr int kMasAdminPort = 8081;        // the operator alone; health
inline constexpr int kMasMetricsPort = 9000;
inline constexpr int kHttpsPort = 443;  // the gateway's Service
inline constexpr int kHttpPort = 80;    // the gateway's Service, to kGatewayPlainPort

/// Connections to the database that Synapse's main process keeps at most.
inline constexpr int kMainConnections = 10;

// Keys of the Secret that processes of the homeserver know one another by.
inline constexpr const char* kReplicationSecret = "replication";
inline constexpr const char* kRedisPassword = "redis";

// Names, each spelled once. All are in the tenant's namespace.
std::string database_name(const Tenant& tenant);  // acme-database: StatefulSet, Service, ConfigMap
std::string homeserver_name(const Tenant& tenant);       // acme-homeserver
std::string redis_name(const Tenant& tenant);            // acme-redis
std::string workers_config_map(const Tenant& tenant);    // acme-workers
std::string worker_keys(const Tenant& tenant);           // acme-worker-keys: Secret
std::string gateway_name(const Tenant& tenant);          // acme-gateway
std::string passthrough_name(const Tenant& tenant);      // acme-gateway-passthrough: TLSRoute
std::string web_name(const Tenant& tenant);              // acme-web
std::string mas_name(const Tenant& tenant);              // acme-mas
std::string mas_keys(const Tenant& tenant);              // acme-mas-keys: Secret
std::string database_claim(const Tenant& tenant);        // acme-database-data
std::string media_claim(const Tenant& tenant);           // acme-media
std::string homeserver_keys(const Tenant& tenant);       // acme-homeserver-keys: Secret
std::string database_keys(const Tenant& tenant);         // acme-database-keys: Secret
std::string database_login(const Tenant& tenant);        // acme-database-login: Secret
std::string database_check(const Tenant& tenant);        // acme-database-check: ConfigMap
std::string administrator_secret(const Tenant& tenant);  // acme-administrator: Secret
std::string gateway_certificate(const Tenant& tenant);   // acme-gateway-tls: Secret, Certificate
std::string authority_config_map(const Tenant& tenant);  // acme-ca: ConfigMap, key ca.crt

/// The claims that hold the tenant's data.
std::vector<std::string> claims(const Tenant& tenant);

/// Somebody else runs the database: the company, or CloudNativePG.
bool has_external_database(const Tenant& tenant);

/// CloudNativePG runs it.
bool has_cloudnative_pg_database(const Tenant& tenant);

/// Where a database is that somebody else runs; nothing of our own.
std::optional<api::ExternalDatabase> external_database(const Tenant& tenant);

/// The database's pods sleep, as all others do while the tenant hibernates.
bool database_sleeps(const Tenant& tenant);

/// A Prometheus of the cluster reads its metrics.
bool is_watched(const Tenant& tenant);

/// Files are in a bucket; the volume has copies.
bool has_bucket(const Tenant& tenant);

/// Synapse has processes beside the main one.
bool has_workers(const Tenant& tenant);

/// One of them has the uploaded files.
bool has_media_worker(const Tenant& tenant);

/// It talks to other servers.
bool federates(const Tenant& tenant);

/// The gateway shows a certificate of the operator's own authority; else it comes in a Secret that
/// somebody else fills and renews.
bool is_signed_by_operator(const Tenant& tenant);

/// cert-manager has it signed, and renews it.
bool is_signed_by_issuer(const Tenant& tenant);

/// It has a web client: nobody said no, and there is an image for it.
bool has_web(const Tenant& tenant);

/// A Gateway of the cluster passes TLS on by the name that was asked for, and reads nothing of it.
bool is_passed_through(const Tenant& tenant);

/// Matrix Authentication Service keeps its accounts.
bool has_mas(const Tenant& tenant);

/// An Ingress controller or a Gateway of the cluster terminates TLS and speaks plain HTTP to the
/// gateway.
bool is_behind_proxy(const Tenant& tenant);

/// The class that the Ingress asks for; "" when there is none to ask for.
std::string ingress_class(const Tenant& tenant);

/// Hosts that the gateway's certificate must carry: the Matrix host, the server name, the web
/// client's when it has one, that of accounts with Matrix Authentication Service, and that of
/// calls.
std::vector<std::string> public_hosts(const Tenant& tenant);

/// "@admin:acme.example".
std::string administrator_id(const Tenant& tenant);

/// "https://matrix.acme.example", with the port when it is not 443; what clients type.
std::string public_url(const Tenant& tenant);

/// "https://chat.acme.example", with the port when it is not 443; what people open in a browser.
std::string web_url(const Tenant& tenant);

/// "https://rtc.acme.example", with the port when it is not 443; by which people get into calls.
std::string rtc_url(const Tenant& tenant);

/// "https://account.acme.example", with the port when it is not 443; where people log in.
std::string account_url(const Tenant& tenant);

/// In-cluster base URLs of Matrix Authentication Service: for the homeserver, and for the operator.
std::string mas_url(const Tenant& tenant);
std::string mas_admin_url(const Tenant& tenant);

/// In-cluster base URL of a Service of the tenant: "http://acme-mas.acme.svc:8080".
std::string inner_url(const Tenant& tenant, const std::string& service, int port);

/// In-cluster base URL of the homeserver: "http://acme-homeserver.acme.svc:8008".
std::string homeserver_url(const Tenant& tenant);

/// In-cluster base URL of who watches over its bucket, in the same pod.
std::string bucket_watch_url(const Tenant& tenant);

// One function a component; see docs/architecture.md for the table that walks them.
std::vector<SecretRecipe> keys(const Tenant& tenant);  // keys.cpp
Manifests volumes(const Tenant& tenant);               // volumes.cpp: kept claims, no owner
Manifests certificates(const Tenant& tenant);          // certificates.cpp: whom to trust, or ask
Manifests network(const Tenant& tenant);               // network.cpp: who may talk to whom
Manifests database(const Tenant& tenant);              // database.cpp
/// Whether anything is to be asked of the database by a Job.
bool wants_check(const Tenant& tenant);
Manifests database_check_job(const Tenant& tenant);  // database_check.cpp
Manifests database_cluster(const Tenant& tenant);    // database_cluster.cpp
Manifests homeserver(const Tenant& tenant);          // homeserver.cpp + homeserver_config.cpp
Manifests redis(const Tenant& tenant);               // redis.cpp: what workers tell one another by
Manifests workers(const Tenant& tenant);             // workers.cpp + worker_config.cpp
Manifests gateway(const Tenant& tenant);             // gateway.cpp + gateway_config.cpp
Manifests web(const Tenant& tenant);                 // web.cpp + web_config.cpp
Manifests mas(const Tenant& tenant);                 // mas.cpp + mas_config.cpp
Manifests calls(const Tenant& tenant);               // calls.cpp + calls_config.cpp
Manifests exposure(const Tenant& tenant);            // exposure.cpp: Service, Ingress or a route

}  // namespace alphorn::manifests
