#include <algorithm>

#include "base/encoding.hpp"
#include "homeserver/backup.hpp"
#include "homeserver/bridges.hpp"
#include "homeserver/calls.hpp"
#include "homeserver/database.hpp"
#include "homeserver/readiness.hpp"
#include "homeserver/reconciler.hpp"
#include "homeserver/refusal.hpp"
#include "homeserver/rotation.hpp"
#include "homeserver/signing_key.hpp"
#include "homeserver/workers.hpp"
#include "manifests/bridges.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

StorageClasses storage_classes_in(const Cache& cache) {
  StorageClasses classes;
  std::string newest;  // of several defaults Kubernetes takes the newest
  classes.are_known = cache.serves(kube::kinds::kStorageClass, "");
  for (const auto& cached : cache.store_of(kube::kinds::kStorageClass, "")->list()) {
    const json object = cached->read();
    const std::string name = string_at(object, "metadata/name");
    classes.names.insert(name);
    if (object.value("allowVolumeExpansion", false)) classes.expandable.insert(name);
    const json& annotations = at_path(object, "metadata/annotations");
    if (annotations.is_object() &&
        annotations.value("storageclass.kubernetes.io/is-default-class", "") == "true" &&
        string_at(object, "metadata/creationTimestamp") >= newest) {
      newest = string_at(object, "metadata/creationTimestamp");
      classes.default_name = name;
    }
  }
  return classes;
}

bool is_default_ingress_class(const json& object) {
  const json& annotations = at_path(object, "metadata/annotations");
  return annotations.is_object() &&
         annotations.value("ingressclass.kubernetes.io/is-default-class", "") == "true";
}

/// An Ingress that got the cluster's default class keeps it when that changes, or people would be
/// led elsewhere.
void observe_ingress_classes(const Cache& cache, World& world) {
  std::string& chosen = world.tenant.default_ingress_class;
  world.ingress_classes_are_known = cache.serves(kube::kinds::kIngressClass, "");
  for (const auto& cached : cache.store_of(kube::kinds::kIngressClass, "")->list()) {
    world.ingress_classes.insert(cached->key().name);
    if (is_default_ingress_class(cached->read()) && (chosen.empty() || cached->key().name < chosen))
      chosen = cached->key().name;
  }
  if (const json* ingress = world.child("Ingress", manifests::gateway_name(world.tenant))) {
    const json& annotations = at_path(*ingress, "metadata/annotations");
    const std::string kept =
        annotations.is_object() ? annotations.value(manifests::kDefaultClass, "") : "";
    if (!world.ingress_classes_are_known || world.ingress_classes.contains(kept)) chosen = kept;
  }
}

std::optional<int> node_port_of(const World& world) {
  const json* service = world.child("Service", manifests::gateway_name(world.tenant));
  if (service == nullptr) return std::nullopt;
  for (const json& port : at_path(*service, "spec/ports")) {
    const std::int64_t number = integer_at(port, "nodePort");
    if (number > 0) return static_cast<int>(number);
  }
  return std::nullopt;
}

/// The value of a cached Secret, "" when there is none. Only public parts may stay in the World.
std::string secret_value(const World& world, const std::string& name, const std::string& key) {
  const json* secret = world.child("Secret", name);
  if (secret == nullptr) return "";
  const json& data = at_path(*secret, "data");
  return data.is_object() ? base64_decode(data.value(key, "")) : "";
}

struct CertificateFacts {
  std::optional<certificates::Facts> facts;
  bool is_usable = false;
  bool is_former = false;
};

/// Of a certificate that the operator issued, by the seal beside it. OpenSSL needs a third of a
/// millisecond to parse a certificate and its key, which adds up over thousands of tenants, so an
/// unbroken seal is believed instead.
std::optional<CertificateFacts> sealed_facts(const json& secret, const certificates::KeyPair& pair,
                                             const certificates::Trust& trust) {
  const json& annotations = at_path(secret, "metadata/annotations");
  if (!annotations.is_object()) return std::nullopt;
  const std::string text = annotations.value(kCertificateFacts, "");
  const std::string seal = annotations.value(kCertificateSeal, "");
  const auto facts = certificates::facts_from(text);
  if (!facts) return std::nullopt;
  if (seal == certificates::seal_of(pair, text, trust.present.certificate_pem)) {
    return CertificateFacts{.facts = facts, .is_usable = true};
  }
  for (const std::string& former : certificates::split_pem(trust.former_pem)) {
    if (seal == certificates::seal_of(pair, text, former))
      return CertificateFacts{.facts = facts, .is_usable = true, .is_former = true};
  }
  return std::nullopt;
}

/// What the gateway's Secret holds.
CertificateFacts certificate_in(const World& world, const certificates::Trust& trust) {
  const std::string name = manifests::gateway_certificate(world.tenant);
  const json* secret = world.child("Secret", name);
  if (secret == nullptr) return {};
  const certificates::KeyPair pair{.certificate_pem = secret_value(world, name, "tls.crt"),
                                   .key_pem = Secret{secret_value(world, name, "tls.key")}};
  const bool is_own = manifests::is_signed_by_operator(world.tenant);
  if (is_own) {
    if (const auto sealed = sealed_facts(*secret, pair, trust)) return *sealed;
  }
  const auto signed_by = [&](const std::string& authority) {
    return certificates::is_signed_by(pair.certificate_pem, authority);
  };
  const std::vector<std::string> former = certificates::split_pem(trust.former_pem);
  const bool is_former = is_own && std::any_of(former.begin(), former.end(), signed_by);
  const bool is_trusted = !is_own || is_former || signed_by(trust.present.certificate_pem);
  return {.facts = certificates::inspect(pair.certificate_pem),
          .is_usable = is_trusted && certificates::key_matches(pair.certificate_pem, pair.key_pem),
          .is_former = is_former};
}

/// What the Secrets with the homeserver's keys tell of rotations.
struct RotationFacts {
  std::map<std::string, std::string> rotated;
  json old_signing_keys = json::object();
};

RotationFacts rotations_in(const World& world) {
  RotationFacts facts;
  for (const std::string& name :
       {manifests::homeserver_keys(world.tenant), manifests::worker_keys(world.tenant)}) {
    const json* secret = world.child("Secret", name);
    if (secret == nullptr) continue;
    for (const auto& [key, value] : at_path(*secret, "metadata/annotations").items()) {
      if (!value.is_string()) continue;
      if (key == kOldSigningKeys) {
        json keys = json::parse(value.get<std::string>(), nullptr, /*allow_exceptions=*/false);
        if (keys.is_object()) facts.old_signing_keys = std::move(keys);
      } else if (key.starts_with(kRotatedPrefix)) {
        facts.rotated[key.substr(std::string_view{kRotatedPrefix}.size())] = value;
      }
    }
  }
  return facts;
}

/// Where both are served, the objects are the same, and are asked for and deleted in either.
std::string tls_route_version_in(const Cache& cache, const std::string& ns) {
  for (const kube::Kind& kind : {kube::kinds::kTlsRoute, kube::kinds::kTlsRouteAlpha}) {
    if (cache.serves(kind, ns)) return kind.version;
  }
  return "";
}

/// The versions of the Secrets that facts are read from, and who may have signed one of them.
std::string secrets_seen(const World& world, const certificates::Trust& trust) {
  std::string seen = sha256_hex(trust.present.certificate_pem + trust.former_pem) + " ";
  for (const std::string& name :
       {manifests::gateway_certificate(world.tenant), manifests::homeserver_keys(world.tenant),
        manifests::worker_keys(world.tenant)}) {
    const auto found = world.children.find(ChildId{.kind = "Secret", .name = name});
    seen += (found == world.children.end() ? "" : found->second.version()) + " ";
  }
  return seen;
}

/// The versions of these Secrets, of those that are there.
std::string seen_of(const World& world, const std::vector<std::string>& names) {
  std::string seen;
  for (const std::string& name : names) {
    const auto found = world.children.find(ChildId{.kind = "Secret", .name = name});
    if (found == world.children.end()) continue;
    seen += (seen.empty() ? "" : ".") + found->second.version();
  }
  return seen;
}

/// The Secrets that the company brings, seen by whoever has secrets from them.
void observe_brought(World& world) {
  const api::CompanyHomeserverSpec& spec = world.tenant.spec;
  std::vector<std::string> providers;
  for (const api::OidcProvider& provider : spec.authentication.oidc) {
    providers.push_back(provider.secret_name);
  }
  std::vector<std::string> homeservers;
  if (manifests::has_mas(world.tenant)) {
    world.tenant.mas_secrets_seen = seen_of(world, providers);
  } else {
    homeservers = std::move(providers);
  }
  if (spec.media_bucket) homeservers.push_back(spec.media_bucket->secret_name);
  world.tenant.client_secrets_seen = seen_of(world, homeservers);
}

void gather(const Cache& cache, const kube::Key& key, World& world) {
  for (const kube::Kind& kind : child_kinds()) {
    for (const auto& child : cache.owned(kind, key)) {
      // A resource version belongs to one state of one object and is never used again.
      world.children.emplace(
          ChildId{.kind = kind.name, .name = child->key().name},
          ObjectPtr{child->resource_version(), [child] { return child->read(); }});
    }
  }
  for (const auto& pod : cache.owned(kube::kinds::kPod, key)) {
    world.pods.emplace_back(pod->resource_version(), [pod] { return pod->read(); });
  }
}

/// Why a StatefulSet gets no pod is told by events alone. Those of one object are asked for while
/// it lacks its pod; nobody watches the events of a cluster for that.
void observe_refusals(const kube::Client& client, World& world, const std::stop_token& stop) {
  for (const auto& [id, object] : world.children) {
    if (id.kind != kube::kinds::kStatefulSet.name || !lacks_its_pod(world, *object)) continue;
    std::vector<json> events;
    const kube::ObjectList found =
        client.list(kube::kinds::kEvent,
                    {.ns = world.tenant.ns,
                     .field_selector = "regarding.uid=" + string_at(*object, "metadata/uid")},
                    stop);
    for (const kube::RawObject& event : found.items) events.push_back(event.read());
    const std::string refusal = last_refusal(events);
    if (!refusal.empty()) world.refusals[id.name] = refusal;
  }
}

}  // namespace

std::optional<World> Reconciler::observe(const kube::Key& key, Memory& memory,
                                         std::stop_token stop) {
  const controller::ObjectPtr object = parts_.cache.tenant(key);
  if (!object) return std::nullopt;
  const json content = object->read();
  World world{.resource = api::company_homeserver_from(content)};
  world.seen_at = std::chrono::system_clock::now();
  const auto& finalizers = world.resource.finalizers;
  const bool is_held =
      std::find(finalizers.begin(), finalizers.end(), api::kEraseFinalizer) != finalizers.end();
  // The garbage collector takes the children.
  if (world.resource.deleting && !is_held) return std::nullopt;
  world.tenant.name = world.resource.name;
  world.tenant.ns = world.resource.ns;
  world.tenant.uid = world.resource.uid;
  world.tenant.spec = world.resource.spec;
  if (world.resource.deleting) {
    gather(parts_.cache, key, world);
    world.backups = parts_.cache.runs_of(kHomeserverBackup, key);
    return world;
  }

  world.violations = api::validate(world.resource);
  const auto release = parts_.catalogue.release_of(world.resource.spec);
  if (!release) {
    world.violations.push_back({.field = "spec.channel",
                                .message = "the operator's catalogue has no channel \"" +
                                           world.resource.spec.channel + "\""});
  }
  if (!world.violations.empty()) return world;

  gather(parts_.cache, key, world);
  world.storage_classes = storage_classes_in(parts_.cache);

  manifests::Tenant& tenant = world.tenant;
  tenant.version = *release;
  tenant.images = parts_.catalogue.images_for(*release);
  tenant.operator_ns = parts_.operator_ns;
  tenant.monitoring_ns = parts_.catalogue.monitoring_ns;
  const auto trust = parts_.authority.trust();
  const certificates::View view = certificates::view_of(*trust, tenant.uid, world.seen_at);
  tenant.authority_pem = view.bundle;
  world.trust_changes_at = view.changes_at;
  world.authority_problem = trust->problem;
  if (tenant.spec.exposure.mode == api::Exposure::Mode::node_port) {
    tenant.node_port = node_port_of(world);
  }
  tenant.has_certificates = parts_.cache.serves(kCertificate, key.ns);
  tenant.has_cloudnative_pg = parts_.cache.serves(kCloudNativePgCluster, key.ns);
  tenant.has_routes = parts_.cache.serves(kube::kinds::kHttpRoute, key.ns);
  tenant.has_directory = !parts_.cache.directories_of(key).empty();
  tenant.tls_route_version = tls_route_version_in(parts_.cache, key.ns);
  if (tenant.spec.exposure.mode == api::Exposure::Mode::ingress) {
    observe_ingress_classes(parts_.cache, world);
  }
  SecretFacts& secrets = memory.secrets;
  if (std::string seen = secrets_seen(world, *trust); secrets.seen != seen) {
    secrets = {.seen = std::move(seen)};
    const CertificateFacts certificate = certificate_in(world, *trust);
    secrets.certificate = certificate.facts;
    secrets.certificate_is_usable = certificate.is_usable;
    secrets.certificate_is_former = certificate.is_former;
    if (!manifests::is_signed_by_operator(tenant)) {
      const std::string name = manifests::gateway_certificate(tenant);
      const std::string authority = manifests::is_signed_by_issuer(tenant)
                                        ? secret_value(world, name, "ca.crt")
                                        : std::string{};
      secrets.brought_certificate_pem =
          authority.empty() ? secret_value(world, name, "tls.crt") : authority;
    }
    secrets.signing_key_id =
        signing_key_id(secret_value(world, manifests::homeserver_keys(tenant), "signing.key"));
    RotationFacts rotations = rotations_in(world);
    secrets.rotated = std::move(rotations.rotated);
    secrets.old_signing_keys = std::move(rotations.old_signing_keys);
  }
  observe_brought(world);
  observe_workers(world);
  observe_bridges(world);
  observe_calls(world);
  if (tenant.spec.backup) {
    world.backups = parts_.cache.runs_of(kHomeserverBackup, key);
    world.restores = parts_.cache.runs_of(kHomeserverRestore, key);
    observe_backup(world, content);
  }
  world.certificate = secrets.certificate;
  world.certificate_is_usable = secrets.certificate_is_usable;
  if (secrets.certificate_is_former) world.reissue_at = view.reissue_from;
  tenant.brought_certificate_pem = secrets.brought_certificate_pem;
  if (world.certificate) tenant.certificate_serial = world.certificate->serial;
  world.signing_key_id = secrets.signing_key_id;
  world.rotated = secrets.rotated;
  tenant.old_signing_keys = secrets.old_signing_keys;
  // The last worker's going is no new key: what is left with it must not restart anybody.
  if (!manifests::has_workers(tenant)) world.rotated.erase(kReplicationRotation);
  if (!world.rotated.empty()) tenant.keys_rotated = fingerprint_of(world.rotated);

  observe_refusals(parts_.client, world, stop);
  observe_login(world, parts_.catalogue.former_login_stays);
  tenant.database_is_unused = database_is_unused(world);
  if (tenant.spec.hibernated) return world;  // nobody is there to be asked
  if (homeserver_rolled_out(world)) {
    world.homeserver = parts_.servers.ask_homeserver(tenant, stop);
    if (manifests::has_bucket(tenant) && media_rolled_out(world)) {
      world.bucket = parts_.servers.ask_bucket(tenant, stop);
    }
  }
  if (world.homeserver && world.homeserver->problem.empty()) ask_logins(world, memory.logins);
  // A gateway before a silent homeserver has nothing to add, and would cost as much patience again;
  // a closed one asks nobody.
  const bool answers = world.homeserver && world.homeserver->problem.empty();
  if ((answers || tenant.spec.fenced) && gateway_rolled_out(world) &&
      gateway_shows_certificate(world))
    world.gateway = parts_.servers.ask_gateway(tenant, stop);
  if (world.gateway && world.gateway->problem.empty() && web_rolled_out(world))
    world.web = parts_.servers.ask_web(tenant, stop);
  if (world.gateway && world.gateway->problem.empty() && mas_rolled_out(world))
    world.mas = parts_.servers.ask_mas(tenant, stop);
  if (world.gateway && world.gateway->problem.empty() && calls_are_rolled_out(world))
    world.calls = ask_calls(world, memory.media, stop);
  return world;
}

void Reconciler::ask_logins(World& world, KnownLogins& known) const {
  const manifests::Tenant& tenant = world.tenant;
  for (const api::Bridge& bridge : manifests::live_bridges(tenant)) {
    if (known.is_due(world, bridge)) {
      const Secret password{
          secret_value(world, manifests::bridge_keys(tenant, bridge), manifests::kBridgePassword)};
      known.note(world, bridge, parts_.servers.ask_logins(tenant, bridge, password));
    }
    if (const auto people = known.of(bridge)) world.logins[bridge.name] = *people;
  }
}

CallsAnswer Reconciler::ask_calls(const World& world, KnownMedia& known,
                                  std::stop_token stop) const {
  CallsAnswer answer{.gateway = parts_.servers.ask_calls(world.tenant, stop).problem};
  if (!answer.gateway.empty()) return answer;
  std::optional<MediaAnswer> media = known.answer_to(world);
  if (!media) {
    media = parts_.servers.ask_media(world.tenant, stop);
    known.note(world, *media);
  }
  answer.turn = media->turn;
  answer.media = media->media;
  return answer;
}

}  // namespace alphorn::homeserver
