#pragma once

#include "manifests/tenant.hpp"

/// Bridges to other networks, each an application service with a workload, keys and a registration
/// of its own; see docs/bridges.md.
namespace alphorn::manifests {

/// The component label of all of them, and the label that tells one from another.
inline constexpr const char* kBridge = "bridge";
inline constexpr const char* kBridgeLabel = "alphorn.dev/bridge";
/// Annotation of pods: which keys, and which Secrets that the company brings, they were made for.
inline constexpr const char* kBridgeKeysSeen = "alphorn.dev/bridge-keys";
inline constexpr const char* kBridgeSecretsSeen = "alphorn.dev/bridge-secrets";

// Entries of the Secret with a bridge's keys, which are files of their own in containers.
/// Where a bridge's own pod has them.
inline constexpr const char* kBridgeKeysFolder = "/keys/bridge";
inline constexpr const char* kAsToken = "as_token";  // it to the homeserver
inline constexpr const char* kHsToken = "hs_token";  // the homeserver to it
inline constexpr const char* kBridgePassword = "database";
inline constexpr const char* kPickleKey = "pickle";
inline constexpr const char* kProvisioningSecret = "provisioning";
inline constexpr const char* kPasskey = "passkey";  // a hookshot's, for the tokens that it keeps
/// Where a bridge's own pod has what the company brings for it.
inline constexpr const char* kCredentialsFolder = "/keys/credentials";

/// Of a telegram bridge's credentials.
inline constexpr const char* kApiId = "api-id";
inline constexpr const char* kApiHash = "api-hash";
/// Of a hookshot's: more of its configuration. Other entries are files that this one names.
inline constexpr const char* kServices = "services.yaml";

/// Where every bridge listens that says nothing else.
inline constexpr int kBridgePort = 29300;
/// Where hookshot takes what other programs send, and where it tells how it is.
inline constexpr int kWebhooksPort = 29301;
inline constexpr int kHookshotMetricsPort = 29302;

/// It can run: its network has not ended.
bool is_alive(const api::Bridge& bridge);
/// Those that can run, by name.
std::vector<api::Bridge> live_bridges(const Tenant& tenant);
/// It has some that can run.
bool has_bridges(const Tenant& tenant);
/// One of the mautrix family, which all are configured alike.
bool is_mautrix(const api::Bridge& bridge);
bool is_hookshot(const api::Bridge& bridge);
bool has_database(const api::Bridge& bridge);
/// What lasts is written by its keys: others in their place could not read it.
bool has_lasting_keys(const api::Bridge& bridge);
/// Some bridge writes in the name of people who use it.
bool has_double_puppets(const Tenant& tenant);

std::string bridge_name(const Tenant& tenant, const api::Bridge& bridge);  // acme-bridge-irc
std::string bridge_keys(const Tenant& tenant, const api::Bridge& bridge);  // the same: Secret
std::string double_puppet_keys(const Tenant& tenant);                      // acme-double-puppet
/// Its role in the database that the operator runs, and the name of its database: "bridge_irc".
std::string bridge_role(const api::Bridge& bridge);
/// "" when the catalogue has none.
std::string bridge_image(const Tenant& tenant, const api::Bridge& bridge);
int port_of(const api::Bridge& bridge);
/// In-cluster base URL at which the homeserver reaches it.
std::string bridge_url(const Tenant& tenant, const api::Bridge& bridge);
/// Its database as a URI that render_config.py completes with the password; `options` as in
/// "?sslmode=disable".
json database_uri(const Tenant& tenant, const api::Bridge& bridge, const std::string& options);
/// "@ircbot:acme.example".
std::string bot_of(const Tenant& tenant, const api::Bridge& bridge);
/// The Secret that the company brings for it; "" when there is none.
std::string brought_secret(const api::Bridge& bridge);
/// TCP ports of its network.
std::vector<int> network_ports(const api::Bridge& bridge);

/// The gateway has a server for bridges: there are some, and more than one process to lead them to.
bool has_door_for_bridges(const Tenant& tenant);
std::string door_for_bridges(const Tenant& tenant);  // acme-gateway-bridges: Service
/// Base URL at which a bridge reaches the homeserver.
std::string homeserver_of_bridges(const Tenant& tenant);

/// Everything is there that its pod needs: its image, its keys, and what the company brings.
bool can_start(const Tenant& tenant, const api::Bridge& bridge);

/// What the homeserver is told of one, and of double puppets; where the tokens go, it says
/// {"$file": ...}.
json registration(const Tenant& tenant, const api::Bridge& bridge);
json double_puppet_registration(const Tenant& tenant);
/// The main configuration file of one of the mautrix family, in the same way.
json mautrix_config(const Tenant& tenant, const api::Bridge& bridge);

/// What a hookshot serves without a word from the company, which may have it otherwise; and what
/// the company cannot have otherwise, or nobody would find it.
json hookshot_services(const Tenant& tenant, const api::Bridge& bridge);
json hookshot_frame(const Tenant& tenant, const api::Bridge& bridge);
/// Where it has its private key.
inline constexpr const char* kPasskeyFolder = "/keys/passkey";
/// Some hookshot is there, to which the gateway leads.
bool takes_webhooks(const Tenant& tenant);
/// What the gateway's server for the Matrix host says of that, and what it says beside its servers.
std::string webhook_locations(const Tenant& tenant);
std::string webhook_secrecy();

/// All that the homeserver reads of bridges: files of its ConfigMap, and what its configuration
/// says of them. Empty without bridges.
json registration_files(const Tenant& tenant);
json registration_config(const Tenant& tenant);
/// Some bridge knows no end-to-end encryption while new rooms are encrypted by default: Synapse has
/// a module for its rooms.
bool has_plain_rooms(const Tenant& tenant);
/// Arguments of render_config.py for them.
std::vector<std::string> registration_arguments(const Tenant& tenant, const std::string& from,
                                                const std::string& into);
/// All tokens of the registrations.
json registration_volume(const Tenant& tenant);
json registration_mount();
/// Stands for the keys of all bridges.
std::string bridge_keys_seen(const Tenant& tenant);

/// Whose passwords the Secret with logins has, and by which keys; "" when there is none.
std::string bridge_logins(const Tenant& tenant);

std::vector<SecretRecipe> bridge_recipes(const Tenant& tenant);
Manifests bridges(const Tenant& tenant);

}  // namespace alphorn::manifests
