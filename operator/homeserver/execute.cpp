#include <algorithm>

#include "base/encoding.hpp"
#include "homeserver/bridges.hpp"
#include "homeserver/database.hpp"
#include "homeserver/draw.hpp"
#include "homeserver/readiness.hpp"
#include "homeserver/reconciler.hpp"
#include "homeserver/refusal.hpp"
#include "homeserver/rotation.hpp"
#include "homeserver/signing_key.hpp"
#include "manifests/backup.hpp"
#include "manifests/mas.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

// By the old key things are signed until the homeserver has started anew; others must take them for
// good. A rotation begins only while that works, which takes seconds.
constexpr std::chrono::hours kUntilOldKeyIsUnused{1};

kube::Kind kind_named(const std::string& api_version, const std::string& name) {
  if (name == kube::kinds::kPod.name) return kube::kinds::kPod;
  for (const kube::Kind& kind : child_kinds()) {
    if (kind.name == name && kind.api_version() == api_version) return kind;
  }
  throw std::logic_error("no child kind " + name + " of " + api_version);
}

json drawn(const manifests::SecretRecipe& recipe, const World& world) {
  json metadata = recipe.metadata;
  metadata["annotations"][manifests::kMadeFor] = world.tenant.uid;
  json data = json::object();
  for (const auto& entry : recipe.entries) {
    data[entry.key] = base64_encode(draw(entry.draw).reveal());
  }
  // What is drawn for the first time is new enough for whoever asked before.
  for (const auto& [what, wish] : wanted_rotations(world)) {
    if (data.contains(rotatable().at(what).entry)) {
      metadata["annotations"][kRotatedPrefix + what] = wish;
    }
  }
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", metadata},
          {"type", "Opaque"},
          {"data", data}};
}

/// How one entry of a Secret is drawn.
manifests::SecretRecipe::Draw draw_of(const World& world, const std::string& name,
                                      const std::string& key) {
  for (const manifests::SecretRecipe& recipe : manifests::keys(world.tenant)) {
    for (const auto& entry : recipe.entries) {
      if (recipe.name == name && entry.key == key) return entry.draw;
    }
  }
  throw std::logic_error("no recipe for " + key + " of " + name);
}

Secret value_in(const json* secret, const std::string& key) {
  if (secret == nullptr) throw std::runtime_error("the Secret with " + key + " is gone");
  const json& data = at_path(*secret, "data");
  return Secret(base64_decode(data.is_object() ? data.value(key, "") : ""));
}

std::string made_for(const json& object) {
  const json& annotations = at_path(object, "metadata/annotations");
  return annotations.is_object() ? annotations.value(manifests::kMadeFor, "") : "";
}

class KeysLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Carries out the steps of one pass against the API server and the tenant's programs.
class Execution {
 public:
  Execution(const Reconciler::Parts& parts, controller::WrittenVersions& written,
            const World& world, std::stop_token stop)
      : parts_(parts), written_(written), world_(world), stop_(std::move(stop)) {}

  void operator()(const Apply& step) { apply(step.manifest); }

  void operator()(const CreateSecret& step) {
    const kube::ObjectRef secret{
        .kind = kube::kinds::kSecret, .ns = world_.tenant.ns, .name = step.recipe.name};
    try {
      if (step.may_draw) return create(secret.kind, drawn(step.recipe, world_));
    } catch (const kube::ApiError& error) {
      if (!error.already_exists()) throw;
    }
    const auto found = find_ours(secret);
    if (!found && !step.may_draw) {
      if (is_of_bridge(world_, step.recipe.name)) {
        throw KeysLost(
            "Secret " + step.recipe.name +
            " is gone while the database that its bridge keeps by it is there: restore it "
            "from a backup, or take the bridge out and give it another name");
      }
      if (step.recipe.name == manifests::backup_name(world_.tenant)) {
        throw KeysLost("Secret " + step.recipe.name +
                       " is gone, and with it the password of the backups that are there: bring it "
                       "back, or name another repository under another resource name");
      }
      // New keys would turn the company's server into another one.
      throw KeysLost("Secret " + step.recipe.name +
                     " is gone while the data that belongs to it is " +
                     "there: restore it from a backup, or delete the tenant's " +
                     "PersistentVolumeClaims to start anew");
    }
    // It is ours, and the cache does not know it: an answer was lost, or it has lost its labels.
    const json wanted = secret_metadata(step.recipe);
    if (found && differs(wanted, *found)) apply_over(secret.kind, wanted);
  }

  void operator()(const RotateKeys& step) {
    const json* secret = world_.child("Secret", step.secret_name);
    if (secret == nullptr) throw std::runtime_error("Secret " + step.secret_name + " is gone");
    json metadata = {{"name", step.secret_name},
                     {"namespace", world_.tenant.ns},
                     {"uid", string_at(*secret, "metadata/uid")},
                     {"resourceVersion", string_at(*secret, "metadata/resourceVersion")}};
    json data = json::object();
    for (const auto& [what, wish] : step.rotations) {
      const std::string& key = rotatable().at(what).entry;
      const auto how = draw_of(world_, step.secret_name, key);
      if (how == manifests::SecretRecipe::Draw::signing_key) {
        metadata["annotations"][kOldSigningKeys] = with_former(value_in(secret, key)).dump();
      }
      data[key] = base64_encode(draw(how).reveal());
      metadata["annotations"][kRotatedPrefix + what] = wish;
    }
    const kube::Kind& kind = kube::kinds::kSecret;
    record(kind, parts_.client.merge(kind,
                                     {{"apiVersion", kind.api_version()},
                                      {"kind", kind.name},
                                      {"metadata", metadata},
                                      {"data", data}},
                                     stop_));
  }

  void operator()(const IssueCertificate& step) {
    // The authority in force now, which may be a newer one than the pass has seen: it is trusted by
    // everybody since before it was.
    const auto trust = parts_.authority.trust();
    const std::string& authority = trust->present.certificate_pem;
    const certificates::KeyPair pair =
        certificates::issue(trust->present, step.wish.hosts, std::chrono::system_clock::now());
    if (!certificates::is_signed_by(pair.certificate_pem, authority)) {
      throw std::runtime_error("the certificate authority's key and certificate do not match");
    }
    const auto facts = certificates::inspect(pair.certificate_pem);
    if (!facts) throw std::runtime_error("the certificate that was issued cannot be read");
    const std::string text = certificates::to_text(*facts);
    json metadata = step.wish.metadata;
    metadata["annotations"][kCertificateFacts] = text;
    metadata["annotations"][kCertificateSeal] = certificates::seal_of(pair, text, authority);
    apply({{"apiVersion", "v1"},
           {"kind", "Secret"},
           {"metadata", metadata},
           {"type", "kubernetes.io/tls"},
           {"data",
            {{"tls.crt", base64_encode(pair.certificate_pem)},
             {"tls.key", base64_encode(pair.key_pem.reveal())}}}});
  }

  void operator()(const RegisterAdministrator& step) {
    const bool by_mas = manifests::has_mas(world_.tenant);
    const json* keys = world_.child("Secret", by_mas ? manifests::mas_keys(world_.tenant)
                                                     : manifests::homeserver_keys(world_.tenant));
    const json* account = world_.child("Secret", step.wish.secret_name);
    // A password that outlived a former tenant was handed over long ago, and perhaps changed since.
    using Existing = matrix::Homeserver::Existing;
    const bool is_news = account != nullptr && made_for(*account) == world_.tenant.uid;
    parts_.servers.ensure_administrator(
        world_.tenant, value_in(account, "password"),
        value_in(keys, by_mas ? manifests::kMasOperatorSecret : "registration"),
        is_news ? Existing::set_password : Existing::keep_password, stop_);
  }

  void operator()(const WriteLogin& step) {
    const std::string& name = step.wish.secret_name;
    if (const json* seen = world_.child("Secret", name)) {
      return apply_over(kube::kinds::kSecret, login_secret(world_, step.wish, seen));
    }
    try {
      return apply_new(kube::kinds::kSecret, login_secret(world_, step.wish, nullptr));
    } catch (const kube::ApiError& error) {
      if (!error.is_conflict()) throw;
    }
    // It has lost its labels. Who may log in stands in it, and nowhere else.
    const auto found =
        find_ours({.kind = kube::kinds::kSecret, .ns = world_.tenant.ns, .name = name});
    if (!found) return;  // the next pass sees what is there
    LoginWish wish = step.wish;
    if (const auto login = login_in(*found)) wish = login_wish_of(world_, *login);
    apply_over(kube::kinds::kSecret, login_secret(world_, wish, &*found));
  }

  void operator()(const Delete& step) {
    parts_.client.remove({.kind = kind_named(step.api_version, step.kind),
                          .ns = world_.tenant.ns,
                          .name = step.name},
                         {.uid = step.uid, .resource_version = step.resource_version}, stop_);
  }

  void operator()(const Erase& step) {
    const Delete& seen = step.object;
    const kube::Kind kind = kind_named(seen.api_version, seen.kind);
    const kube::RawObject marked =
        parts_.client.merge(kind,
                            {{"apiVersion", kind.api_version()},
                             {"kind", kind.name},
                             {"metadata",
                              {{"name", seen.name},
                               {"namespace", world_.tenant.ns},
                               {"uid", seen.uid},
                               {"resourceVersion", seen.resource_version},
                               {"annotations", {{manifests::kErasedWith, world_.tenant.uid}}}}}},
                            stop_);
    parts_.client.remove({.kind = kind, .ns = world_.tenant.ns, .name = seen.name},
                         {.uid = seen.uid, .resource_version = marked.resource_version}, stop_);
  }

 private:
  void apply(const json& manifest) {
    const kube::Kind kind =
        kind_named(string_at(manifest, "apiVersion"), string_at(manifest, "kind"));
    const std::string name = string_at(manifest, "metadata/name");
    if (const json* seen = world_.child(kind.name, name)) {
      return apply_over(kind, with_mark_of(*seen, manifest));
    }
    try {
      return apply_new(kind, manifest);
    } catch (const kube::ApiError& error) {
      if (!error.is_conflict()) throw;
    }
    // What exists and is not in the cache carries no label of ours, and somebody else may have made
    // it; or an earlier answer was lost.
    const auto found = find_ours({.kind = kind, .ns = world_.tenant.ns, .name = name});
    // Nothing is there: the conflict was over something else, such as a quota that many draw on.
    if (!found) return apply_new(kind, manifest);
    if (differs(manifest, *found)) apply_over(kind, with_mark_of(*found, manifest));
  }

  /// Whom a claim was made for is said once, by whoever creates it; an apply that left it out would
  /// take it away.
  static json with_mark_of(const json& object, json manifest) {
    const std::string mark = made_for(object);
    if (!mark.empty()) manifest["metadata"]["annotations"][manifests::kMadeFor] = mark;
    return manifest;
  }

  /// The former signing keys and this one. Of its private half nothing is left.
  json with_former(const Secret& key) const {
    const auto end = (world_.seen_at + kUntilOldKeyIsUnused).time_since_epoch();
    json keys = world_.tenant.old_signing_keys;
    keys[signing_key_id(key.reveal())] = {
        {"key", public_part_of(key)},
        {"expired_ts", std::chrono::duration_cast<std::chrono::milliseconds>(end).count()}};
    return keys;
  }

  void apply_over(const kube::Kind& kind, const json& manifest) {
    record(kind,
           parts_.client.apply(kind, manifest, {.field_manager = manifests::kFieldManager}, stop_));
  }

  /// Takes nothing over: an object that exists is a conflict.
  void apply_new(const kube::Kind& kind, json manifest) {
    if (kind == kube::kinds::kPersistentVolumeClaim) {
      manifest["metadata"]["annotations"][manifests::kMadeFor] = world_.tenant.uid;
    }
    record(kind, parts_.client.apply(
                     kind, manifest,
                     {.field_manager = manifests::kFieldManager, .only_create = true}, stop_));
  }

  void create(const kube::Kind& kind, const json& manifest) {
    record(kind, parts_.client.create(kind, manifest, kube::DryRun::no, stop_));
  }

  /// The object on the server, or nothing. Throws when it exists and is somebody else's.
  std::optional<json> find_ours(const kube::ObjectRef& reference) const {
    auto object = parts_.client.get(reference, stop_);
    if (object && !is_ours(*object, world_.tenant.uid)) {
      throw std::runtime_error(reference.display() +
                               " exists and is not Alphorn's; rename or remove it");
    }
    return object;
  }

  void record(const kube::Kind& kind, const kube::RawObject& object) {
    written_.record({.ns = world_.resource.ns, .name = world_.resource.name}, kind, object);
  }

  const Reconciler::Parts& parts_;
  controller::WrittenVersions& written_;
  const World& world_;
  std::stop_token stop_;
};

Failure failed(const std::exception& error) {
  return {.reason = refusal_reason(error.what(), "Failed"), .message = error.what()};
}

}  // namespace

bool is_ours(const json& object, const std::string& tenant_uid) {
  for (const json& owner : at_path(object, "metadata/ownerReferences")) {
    if (owner.value("controller", false)) return string_at(owner, "uid") == tenant_uid;
  }
  for (const json& entry : at_path(object, "metadata/managedFields")) {
    const std::string manager = string_at(entry, "manager");
    if (manager == manifests::kFieldManager || manager == kube::kUserAgent) return true;
  }
  return false;
}

Failures Reconciler::execute(const Plan& plan, const World& world, std::stop_token stop) {
  Failures failures;
  if (world.resource.spec.paused) return failures;
  Execution execution{parts_, written_, world, stop};
  using Type = controller::EventRecorder::Type;
  const auto carry_out = [&](const std::string& component, const std::vector<Step>& steps) {
    std::string changes;
    // A component that fails must not keep the others from being mended.
    try {
      for (const Step& step : steps) {
        std::visit(execution, step);
        changes += (changes.empty() ? ": " : ", ") + describe(step);
      }
    } catch (const kube::ApiError& error) {
      // Somebody was quicker: the next pass sees what is there now.
      if (!error.is_conflict() && !error.already_exists()) failures[component] = failed(error);
    } catch (const http::TransportError& error) {
      if (error.kind() == http::TransportError::Kind::stopped) throw;
      failures[component] = failed(error);
    } catch (const KeysLost& error) {
      failures[component] = {.reason = "KeysLost", .message = error.what()};
    } catch (const std::runtime_error& error) {
      failures[component] = failed(error);
    }
    if (!changes.empty()) {
      progress_.note({.ns = world.resource.ns, .name = world.resource.name}, component + changes);
    }
  };
  for (const ComponentPlan& component : plan.components) {
    carry_out(component.component, component.steps);
  }
  carry_out("cleanUp", plan.clean_up);
  for (const auto& [component, failure] : failures) {
    parts_.events.record(subject_of(world), Type::warning, failure.reason, "Reconcile",
                         component + ": " + failure.message);
  }
  return failures;
}

}  // namespace alphorn::homeserver
