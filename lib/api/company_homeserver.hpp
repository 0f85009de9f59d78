#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/bridge.hpp"
#include "base/json.hpp"

namespace alphorn::api {

/// The group of all our resources; also the prefix of our labels and annotations.
inline constexpr const char* kGroup = "alphorn.dev";
inline constexpr const char* kVersion = "v1alpha1";

/// A rule of the schema that an object breaks: what the reconciler says when the API server's own
/// validation was bypassed. `field` is a path ("spec.serverName"), `message` names the remedy.
struct Violation {
  std::string field;
  std::string message;
  bool operator==(const Violation&) const = default;
};

/// A claim of storage. `storage_class` empty: the cluster's default class.
struct Storage {
  std::string size;
  std::string storage_class;
  bool operator==(const Storage&) const = default;
};

/// A bucket of an S3 server that holds every uploaded file; the volume is a cache of it then.
struct MediaBucket {
  std::string bucket;
  std::string region;
  std::string endpoint;  ///< https URL; "" for Amazon's own
  std::string prefix;    ///< "" or a path that ends with "/"
  std::string secret_name;
  std::string storage_class;
  std::string keep_local;             ///< how long an unused copy stays: a number with h, d or w
  std::vector<std::string> networks;  ///< CIDRs in which it answers; empty for public addresses
  bool operator==(const MediaBucket&) const = default;
};

/// A Gateway of the cluster's administrator, or one listener of it.
struct ParentRef {
  std::string name;
  std::string ns;
  std::string section;  ///< "" for every listener
  bool operator==(const ParentRef&) const = default;
};

/// How the gateway is reached from outside the cluster.
struct Exposure {
  enum class Mode { none, node_port, load_balancer, ingress, gateway };
  /// What a Gateway of the cluster does with TLS: ends it, or passes it on unread.
  enum class TlsMode { terminate, passthrough };
  Mode mode = Mode::none;
  std::optional<int> node_port;  ///< asked for; otherwise the API server picks one
  std::string class_name;        ///< of the Ingress or the load balancer; "" for the default one
  std::map<std::string, std::string> annotations;  ///< of the Ingress or the Service
  std::optional<ParentRef> parent;
  std::optional<TlsMode> tls_mode;           ///< nothing for the default: terminate
  std::vector<std::string> trusted_proxies;  ///< CIDRs; empty for all private networks
  bool operator==(const Exposure&) const = default;
};

/// An issuer of cert-manager, or of another program that answers its requests.
struct IssuerRef {
  std::string name;
  std::string kind;
  std::string group;
  bool operator==(const IssuerRef&) const = default;
};

/// Whose certificate the gateway shows.
struct Tls {
  enum class Mode { operator_ca, cert_manager, secret };
  Mode mode = Mode::operator_ca;
  std::string secret_name = {};          ///< the company's own, for mode secret
  std::optional<IssuerRef> issuer = {};  ///< for mode cert_manager
  bool operator==(const Tls&) const = default;
};

/// Which other Matrix servers this one talks to.
struct Federation {
  enum class Mode { closed, allowlist, open };
  Mode mode = Mode::closed;
  std::vector<std::string> allow;             ///< server names, for allowlist
  std::vector<std::string> private_networks;  ///< CIDRs in which peers answer
  bool operator==(const Federation&) const = default;
};

/// A provider of OpenID Connect through which people may log in.
struct OidcProvider {
  std::string id;
  std::string display_name;
  std::string issuer;  ///< https URL
  std::string client_id;
  std::string secret_name;  ///< the Secret with the client's secret
  std::string secret_key;
  std::vector<std::string> scopes;
  std::string localpart_claim;
  std::string display_name_claim;
  bool claims_at_userinfo = false;  ///< asked for there, instead of read in the ID token
  bool create_accounts = true;
  bool allow_existing_users = false;
  std::vector<std::string> networks;  ///< CIDRs in which it answers; empty for public addresses
  bool operator==(const OidcProvider&) const = default;
};

/// The company's web client: chat in a browser.
struct WebClient {
  std::optional<bool>
      enabled;        ///< nothing: yes, where the operator's catalogue has an image for it
  std::string brand;  ///< what it calls itself
  bool operator==(const WebClient&) const = default;
};

/// Voice and video calls, and how their media come in, which no proxy of web pages passes on.
struct Calls {
  enum class Mode { node_port, load_balancer };
  bool enabled = false;
  Mode mode = Mode::node_port;
  std::string address;                             ///< from outside; "" to find it
  std::string class_name;                          ///< of the load balancer; "" for the default one
  std::map<std::string, std::string> annotations;  ///< of the load balancers' Services
  // Nothing: the API server picks a port of the node.
  std::optional<int> udp_port;
  std::optional<int> tcp_port;
  std::optional<int> turn_port;
  bool operator==(const Calls&) const = default;
};

/// How people log in, and for how long.
struct Authentication {
  bool passwords = true;
  int minimum_length = 12;
  std::vector<std::string> require;  ///< digit, symbol, lowercase, uppercase
  std::string idle;                  ///< a number with h, d or w
  std::string maximum;               ///< the same, or "" for no end
  std::vector<OidcProvider> oidc;
  bool mas = false;  ///< accounts are kept by Matrix Authentication Service, not by Synapse
  bool operator==(const Authentication&) const = default;
};

/// "30d" in hours; 0 when it is no such text.
int hours_of(const std::string& duration);

/// The port of an https URL.
int port_of(const std::string& url);

/// Who runs the tenant's PostgreSQL server: the operator, CloudNativePG for it, or somebody else.
enum class DatabaseMode { builtin, external, cloudnative_pg };

/// Where a database is that somebody else runs.
struct ExternalDatabase {
  std::string host;
  int port = 5432;
  std::string database;
  std::string user;
  std::string secret_name;  ///< the Secret with the user's password
  std::string secret_key;
  std::string ssl_mode;               ///< libpq's word
  std::string ca_bundle;              ///< PEM; "" for the authorities of the world
  std::vector<std::string> networks;  ///< CIDRs in which it answers; empty for public addresses
  bool operator==(const ExternalDatabase&) const = default;
};

/// How large the company is: how many processes share the work, and how much each gets.
enum class Size { small, medium, large };

/// What a process beside Synapse's main one does (docs/size.md).
enum class WorkerRole {
  sync,
  client,
  creator,
  persister,
  writer,
  media,
  pusher,
  federation,
  sender
};

/// A role with its name in the schema, and how many processes may have it.
struct WorkerKind {
  WorkerRole role;
  const char* name;
  int most;
};

/// All of them, in the schema's order.
const std::vector<WorkerKind>& worker_kinds();

/// "sync" of WorkerRole::sync.
std::string name_of(WorkerRole role);

/// The processes beside the main one. A role that nobody has is the main process's.
struct Workers {
  std::map<WorkerRole, int> counts;  ///< of each role, 0 included
  json resources;                    ///< core/v1 ResourceRequirements of each process
  bool operator==(const Workers&) const = default;
};

/// Where a company's backups lie: in a bucket, or on a volume of its namespace.
struct BackupRepository {
  std::string bucket;  ///< "" for a volume
  std::string region;
  std::string endpoint;  ///< https URL; "" for Amazon's own
  std::string prefix;    ///< "" or a path that ends with "/"
  std::string secret_name;
  std::vector<std::string> networks;  ///< CIDRs in which it answers; empty for public addresses
  std::string claim_name;             ///< "" for a bucket
  bool operator==(const BackupRepository&) const = default;
};

/// How many sets stay: one of each of so many days, weeks, months and years.
struct Retention {
  int daily = 7;
  int weekly = 4;
  int monthly = 12;
  int yearly = 0;
  bool operator==(const Retention&) const = default;
};

/// When a set is proven by restoring it somewhere out of the way, and how thoroughly.
struct Drill {
  std::string schedule;  ///< as cron writes it
  bool suspended = false;
  int media_sample = 100;  ///< files whose content is compared
  int read_percent = 5;    ///< of the repository's data, each time
  bool operator==(const Drill&) const = default;
};

/// Nightly backups.
struct Backup {
  BackupRepository repository;
  std::string schedule;   ///< as cron writes it
  std::string time_zone;  ///< "" for that of the cluster's controllers
  bool suspended = false;
  int jitter_minutes = 30;  ///< a run begins up to so much later, each company by its own share
  Retention retention;
  std::string client_key_secret;  ///< with a second key to the repository; "" for none
  Drill drill;
  bool operator==(const Backup&) const = default;
};

/// Which new rooms are encrypted without asking: none, those of invited people, or all.
enum class EncryptedRooms { off, invite, all };

/// What becomes of data and keys when the resource is deleted: they stay, they go once a last
/// backup of them is made, or they go.
enum class DeletionPolicy { retain, final_backup, erase };

/// Holds a resource that is being deleted until its data and keys are gone. There is one only while
/// the policy asks for it.
inline constexpr const char* kEraseFinalizer = "alphorn.dev/erase";

/// Annotation "alphorn.dev/rotate-WHAT": a value that it never had before has WHAT drawn anew,
/// once.
inline constexpr const char* kRotatePrefix = "alphorn.dev/rotate-";

/// spec of a CompanyHomeserver with every default filled in.
struct CompanyHomeserverSpec {
  std::string server_name;    ///< the part after the colon in @user:acme.example
  std::string contact;        ///< an e-mail address, "" when not given
  std::string version;        ///< Synapse release; "" when a channel is followed
  std::string channel;        ///< "" when a version is given
  std::string matrix_host;    ///< host of the client-server API: matrix.<serverName> by default
  std::string web_host;       ///< host of the web client: chat.<serverName> by default
  std::string account_host;   ///< host of the pages of accounts: account.<serverName> by default
  std::string rtc_host;       ///< host of calls: rtc.<serverName> by default
  std::string administrator;  ///< localpart of the first administrator
  Size size = Size::small;
  json homeserver_resources;  ///< core/v1 ResourceRequirements
  Workers workers;
  Storage media;
  std::optional<MediaBucket> media_bucket;
  std::string max_upload_size;  ///< Synapse's notation: "100M"
  DatabaseMode database_mode = DatabaseMode::builtin;
  json database_resources;
  Storage database;
  std::optional<ExternalDatabase> external_database;
  std::optional<int> database_instances;  ///< of CloudNativePG
  Exposure exposure;
  Tls tls;
  Federation federation;
  Authentication authentication;
  std::string ca_bundle;  ///< PEM; "" when not given
  EncryptedRooms encrypted_rooms = EncryptedRooms::invite;
  WebClient web_client;
  std::vector<Bridge> bridges;
  Calls calls;
  std::optional<Backup> backup;
  bool network_policies = true;
  std::string priority_class;  ///< of every pod; "" for the cluster's default
  DeletionPolicy deletion_policy = DeletionPolicy::retain;
  bool paused = false;
  bool hibernated = false;
  bool fenced = false;
  bool operator==(const CompanyHomeserverSpec&) const = default;
};

/// One tenant as its owner asked for it.
struct CompanyHomeserver {
  std::string name;
  std::string ns;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  bool deleting = false;
  std::vector<std::string> finalizers;
  std::map<std::string, std::string> rotations;  ///< WHAT -> value, see kRotatePrefix
  CompanyHomeserverSpec spec;
  json status = json::object();  ///< as last written; never an input of desire()
};

/// Reads a custom resource. Unknown or missing fields do not throw (the schema forbids the former
/// and defaults fill the latter); validate() tells what is wrong with the result.
CompanyHomeserver company_homeserver_from(const json& object);

/// A server name without its port: "acme.example" of "acme.example:8448".
std::string domain_of(const std::string& server_name);

/// The schema's rules once more, for objects that got past it. Empty when all is well.
std::vector<Violation> validate(const CompanyHomeserver& tenant);

}  // namespace alphorn::api
