#include "manifests/bridges.hpp"

#include "manifests/scripts.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

using api::Bridge;
using api::BridgeType;

constexpr const char* kConfig = "/etc/bridge-config";  // the operator's part
constexpr const char* kBrought = "/etc/brought";       // the company's part, with placeholders
constexpr const char* kKeys = kBridgeKeysFolder;
constexpr const char* kDoublePuppet = "/keys/double-puppet";
constexpr const char* kRendered = "/etc/bridge";  // in memory; what the bridge itself reads
constexpr const char* kMautrixConfig = "config.yaml";
constexpr const char* kHookshotConfig = "config.yml";  // made of the two, and the company's between
constexpr const char* kHookshotServices = "services.yaml";
constexpr const char* kHookshotFrame = "frame.yaml";
constexpr const char* kRegistration = "registration.yaml";
constexpr const char* kPlaceholders = "placeholders.yaml";
constexpr int kStopSeconds = 30;
constexpr int kStartSeconds = 300;

std::string in_folder(const char* folder, const std::string& file) {
  return std::string{folder} + "/" + file;
}

json key(const char* entry) { return {{"$file", in_folder(kKeys, entry)}}; }

/// Its own copy, whose tokens lie elsewhere than in the homeserver's pod.
json own_registration(const Tenant& tenant, const Bridge& bridge) {
  json result = registration(tenant, bridge);
  result["as_token"] = key(kAsToken);
  result["hs_token"] = key(kHsToken);
  return result;
}

/// What the company's files may ask for by ${NAME}.
json placeholders(const Tenant& tenant, const Bridge& bridge) {
  json result = {{"AS_TOKEN", key(kAsToken)},
                 {"HS_TOKEN", key(kHsToken)},
                 {"PICKLE_KEY", key(kPickleKey)},
                 {"PROVISIONING_SECRET", key(kProvisioningSecret)},
                 {"HOMESERVER_URL", homeserver_of_bridges(tenant)},
                 {"SERVER_NAME", tenant.spec.server_name},
                 {"BRIDGE_URL", bridge_url(tenant, bridge)},
                 {"BRIDGE_PORT", std::to_string(port_of(bridge))},
                 {"BOT", bot_of(tenant, bridge)}};
  if (has_database(bridge)) result["DATABASE_URI"] = database_uri(tenant, bridge, "");
  return result;
}

json files(const Tenant& tenant, const Bridge& bridge) {
  json result = {{"render_config.py", scripts::render_config}};
  if (is_mautrix(bridge)) {
    result[kMautrixConfig] = to_yaml(mautrix_config(tenant, bridge));
  } else {
    result[kRegistration] = to_yaml(own_registration(tenant, bridge));
  }
  if (!brought_secret(bridge).empty() && bridge.generic) {
    result[kPlaceholders] = to_yaml(placeholders(tenant, bridge));
    result["fill_files.py"] = scripts::fill_files;
  }
  if (is_hookshot(bridge)) {
    result[kHookshotServices] = to_yaml(hookshot_services(tenant, bridge));
    result[kHookshotFrame] = to_yaml(hookshot_frame(tenant, bridge));
    result["merge_yaml.py"] = scripts::merge_yaml;
  }
  if (has_database(bridge)) result["await_database.py"] = scripts::await_database;
  return result;
}

/// A container of the homeserver's image, which has Python, before the bridge's own.
json preparing(const Tenant& tenant, const std::string& name, std::vector<std::string> command) {
  command.insert(command.begin(), "python3");
  json result = container(name, tenant.images.synapse, command);
  result["env"] = json::array({{{"name", "PYTHONDONTWRITEBYTECODE"}, {"value", "1"}}});
  result["resources"] = resources("20m", "32Mi", "500m", "128Mi");
  result["volumeMounts"] =
      json::array({read_only_mount("config", kConfig), read_only_mount("keys", kKeys),
                   mount("rendered", kRendered), mount("tmp", "/tmp")});
  return result;
}

json render(const Tenant& tenant, const Bridge& bridge) {
  const char* file = is_mautrix(bridge) ? kMautrixConfig : kRegistration;
  json result = preparing(tenant, "render",
                          {in_folder(kConfig, "render_config.py"), in_folder(kConfig, file),
                           in_folder(kRendered, file)});
  if (is_mautrix(bridge)) {
    result["volumeMounts"].push_back(read_only_mount("double-puppet", kDoublePuppet));
  }
  if (is_mautrix(bridge) && !bridge.credentials.empty()) {
    result["volumeMounts"].push_back(read_only_mount("credentials", kCredentialsFolder));
  }
  return result;
}

json merge(const Tenant& tenant, const Bridge& bridge) {
  std::vector<std::string> command{in_folder(kConfig, "merge_yaml.py"),
                                   in_folder(kRendered, kHookshotConfig),
                                   in_folder(kConfig, kHookshotServices)};
  const bool is_told_more = !bridge.credentials.empty();
  if (is_told_more) command.push_back(in_folder(kCredentialsFolder, kServices));
  command.push_back(in_folder(kConfig, kHookshotFrame));
  json result = preparing(tenant, "merge", command);
  if (is_told_more) {
    result["volumeMounts"].push_back(read_only_mount("credentials", kCredentialsFolder));
  }
  return result;
}

json fill(const Tenant& tenant) {
  json result = preparing(tenant, "fill",
                          {in_folder(kConfig, "fill_files.py"), in_folder(kConfig, kPlaceholders),
                           kBrought, kRendered});
  result["volumeMounts"].push_back(read_only_mount("brought", kBrought));
  return result;
}

/// Its role is made once the kubelet has brought the database the new login; crashing until then
/// would look like trouble.
json await_database(const Tenant& tenant, const Bridge& bridge) {
  return preparing(tenant, "database",
                   {in_folder(kConfig, "await_database.py"), database_name(tenant),
                    bridge_role(bridge), in_folder(kKeys, kBridgePassword)});
}

json init_containers(const Tenant& tenant, const Bridge& bridge) {
  json result = json::array({render(tenant, bridge)});
  if (bridge.generic && !brought_secret(bridge).empty()) result.push_back(fill(tenant));
  if (is_hookshot(bridge)) result.push_back(merge(tenant, bridge));
  if (has_database(bridge)) result.push_back(await_database(tenant, bridge));
  return result;
}

std::string owner_of(const Tenant& tenant, const Bridge& bridge) {
  return bridge.admins.empty() ? administrator_id(tenant) : bridge.admins.front();
}

/// The program in each type's image.
std::vector<std::string> command_of(const Tenant& tenant, const Bridge& bridge) {
  const auto mautrix = [](const char* program) {
    return std::vector<std::string>{in_folder("/usr/bin", program), "--no-update", "--config",
                                    in_folder(kRendered, kMautrixConfig)};
  };
  switch (bridge.type) {
    case BridgeType::whatsapp:
      return mautrix("mautrix-whatsapp");
    case BridgeType::slack:
      return mautrix("mautrix-slack");
    case BridgeType::messenger:
    case BridgeType::instagram:
      return mautrix("mautrix-meta");
    case BridgeType::telegram:
      return mautrix("mautrix-telegram");
    case BridgeType::signal:
      return mautrix("mautrix-signal");
    case BridgeType::gmessages:
      return mautrix("mautrix-gmessages");
    case BridgeType::irc:
      return {"python3",
              "-m",
              "heisenbridge",
              "--config",
              in_folder(kRendered, kRegistration),
              "--owner",
              owner_of(tenant, bridge),
              "--listen-address",
              "0.0.0.0",
              "--listen-port",
              std::to_string(kBridgePort),
              homeserver_of_bridges(tenant)};
    case BridgeType::hookshot:
      return {"node", "/bin/matrix-hookshot/App/BridgeApp.js",
              in_folder(kRendered, kHookshotConfig), in_folder(kRendered, kRegistration)};
    case BridgeType::generic:
      return bridge.generic->command;
    case BridgeType::skype:
      break;
  }
  return {};
}

struct Probes {
  json live;
  json ready;
};

Probes probes_of(const Bridge& bridge) {
  const json open = {{"tcpSocket", {{"port", "http"}}}};
  const auto asked = [&](const std::string& path) {
    return path.empty() ? open : http_probe(path, "http");
  };
  if (is_mautrix(bridge)) return {asked("/_matrix/mau/live"), asked("/_matrix/mau/ready")};
  // The homeserver's port tells nothing of how it is.
  if (is_hookshot(bridge)) return {http_probe("/live", "metrics"), http_probe("/ready", "metrics")};
  if (bridge.generic) return {asked(bridge.generic->live_path), asked(bridge.generic->ready_path)};
  return {open, open};
}

/// It reads its private key, and keys that its services have, by their files.
void add_files_of_hookshot(const Bridge& bridge, json& mounts) {
  mounts.push_back(read_only_mount("passkey", kPasskeyFolder));
  if (!bridge.credentials.empty()) {
    mounts.push_back(read_only_mount("credentials", kCredentialsFolder));
  }
}

json program(const Tenant& tenant, const Bridge& bridge) {
  json result = container("bridge", bridge_image(tenant, bridge), command_of(tenant, bridge));
  if (result["command"].empty()) result.erase("command");
  const Probes probes = probes_of(bridge);
  result["workingDir"] = "/tmp";
  result["env"] = json::array({{{"name", "HOME"}, {"value", "/tmp"}},
                               {{"name", "PYTHONDONTWRITEBYTECODE"}, {"value", "1"}},
                               {{"name", "PYTHONUNBUFFERED"}, {"value", "1"}}});
  result["ports"] = json::array({port("http", port_of(bridge))});
  if (is_hookshot(bridge)) {
    result["ports"].push_back(port("webhooks", kWebhooksPort));
    result["ports"].push_back(port("metrics", kHookshotMetricsPort));
  }
  result["resources"] = bridge.resources;
  result["startupProbe"] = timed(probes.live, 1, kStartSeconds, 5);
  result["readinessProbe"] = timed(probes.ready, 5, 3, 5);
  result["livenessProbe"] = timed(probes.live, 15, 4, 10);
  result["volumeMounts"] =
      json::array({read_only_mount("rendered", kRendered), mount("tmp", "/tmp")});
  if (is_hookshot(bridge)) add_files_of_hookshot(bridge, result["volumeMounts"]);
  return result;
}

json pod_volumes(const Tenant& tenant, const Bridge& bridge) {
  json result = json::array({config_map_volume("config", bridge_name(tenant, bridge)),
                             secret_volume("keys", bridge_keys(tenant, bridge)),
                             memory_volume("rendered", "4Mi"), scratch_volume("tmp", "256Mi")});
  const auto add_one = [&](const char* name, const std::string& secret, const char* entry) {
    json volume = secret_volume(name, secret);
    volume["secret"]["items"] = json::array({{{"key", entry}, {"path", entry}}});
    result.push_back(std::move(volume));
  };
  if (is_mautrix(bridge)) add_one("double-puppet", double_puppet_keys(tenant), kAsToken);
  if (is_hookshot(bridge)) add_one("passkey", bridge_keys(tenant, bridge), kPasskey);
  if (!bridge.credentials.empty()) {
    result.push_back(secret_volume("credentials", bridge.credentials));
  }
  if (bridge.generic && !brought_secret(bridge).empty()) {
    result.push_back(secret_volume("brought", brought_secret(bridge)));
  }
  return result;
}

json labelled(json metadata, const Bridge& bridge) {
  metadata["labels"][kBridgeLabel] = bridge.name;
  return metadata;
}

json selector_of(const Tenant& tenant, const Bridge& bridge) {
  json result = selector(tenant, kBridge);
  result[kBridgeLabel] = bridge.name;
  return result;
}

json metadata_of(const Tenant& tenant, const Bridge& bridge) {
  return labelled(metadata(tenant, kBridge, bridge_name(tenant, bridge)), bridge);
}

json annotations_of(const Tenant& tenant, const Bridge& bridge, const json& config) {
  json result = {{kConfigHash, fingerprint_of(config)}};
  const BridgeSeen& seen = tenant.bridges_seen.at(bridge.name);
  json keys = {{"own", seen.keys}};
  if (is_mautrix(bridge)) keys["puppets"] = tenant.double_puppet_seen;
  result[kBridgeKeysSeen] = fingerprint_of(keys);
  if (!seen.brought.empty()) result[kBridgeSecretsSeen] = seen.brought;
  return result;
}

/// One at a time: two would both answer for the same people.
Manifest deployment(const Tenant& tenant, const Bridge& bridge, const json& config) {
  json pod = pod_spec(tenant, kDefaultUser, kStopSeconds);
  pod["initContainers"] = init_containers(tenant, bridge);
  pod["containers"] = json::array({program(tenant, bridge)});
  pod["volumes"] = pod_volumes(tenant, bridge);
  const json annotations = annotations_of(tenant, bridge, config);
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", metadata_of(tenant, bridge)},
          {"spec",
           {{"replicas", tenant.spec.hibernated ? 0 : 1},
            {"strategy", {{"type", "Recreate"}}},
            {"selector", {{"matchLabels", selector_of(tenant, bridge)}}},
            {"template",
             {{"metadata", labelled(pod_metadata(tenant, kBridge, annotations), bridge)},
              {"spec", pod}}}}}};
}

/// The homeserver may knock before the bridge is ready: it only is once the homeserver did.
Manifest service(const Tenant& tenant, const Bridge& bridge) {
  const auto led_to = [](const char* name, int number) {
    return json{{"name", name}, {"port", number}, {"targetPort", name}};
  };
  json ports = json::array();
  ports.push_back(led_to("http", port_of(bridge)));
  if (is_hookshot(bridge)) ports.push_back(led_to("webhooks", kWebhooksPort));
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", metadata_of(tenant, bridge)},
          {"spec",
           {{"selector", selector_of(tenant, bridge)},
            {"publishNotReadyAddresses", true},
            {"ports", ports}}}};
}

Manifest configuration(const Tenant& tenant, const Bridge& bridge, const json& config) {
  Manifest result = config_map(tenant, kBridge, bridge_name(tenant, bridge), config);
  result["metadata"] = labelled(result["metadata"], bridge);
  return result;
}

}  // namespace

std::string bridge_logins(const Tenant& tenant) {
  std::string logins;
  for (const Bridge& bridge : live_bridges(tenant)) {
    if (!has_database(bridge)) continue;
    const auto seen = tenant.bridges_seen.find(bridge.name);
    if (seen == tenant.bridges_seen.end() || seen->second.keys.empty()) continue;
    logins += (logins.empty() ? "" : ",") + bridge.name + "=" + seen->second.keys;
  }
  return logins;
}

std::vector<SecretRecipe> bridge_recipes(const Tenant& tenant) {
  using Draw = SecretRecipe::Draw;
  std::vector<SecretRecipe> recipes;
  const auto add = [&](const std::string& name, std::vector<SecretRecipe::Entry> entries) {
    recipes.push_back({.name = name,
                       .metadata = kept_metadata(tenant, "keys", name),
                       .entries = std::move(entries)});
  };
  for (const Bridge& bridge : live_bridges(tenant)) {
    std::vector<SecretRecipe::Entry> entries{{kAsToken, Draw::token},
                                             {kHsToken, Draw::token},
                                             {kBridgePassword, Draw::token},
                                             {kPickleKey, Draw::token},
                                             {kProvisioningSecret, Draw::token}};
    if (is_hookshot(bridge)) entries.push_back({kPasskey, Draw::rsa_key});
    add(bridge_keys(tenant, bridge), std::move(entries));
  }
  if (has_double_puppets(tenant)) {
    add(double_puppet_keys(tenant), {{kAsToken, Draw::token}, {kHsToken, Draw::token}});
  }
  return recipes;
}

Manifests bridges(const Tenant& tenant) {
  Manifests result;
  for (const Bridge& bridge : live_bridges(tenant)) {
    if (!can_start(tenant, bridge)) continue;
    const json config = files(tenant, bridge);
    result.push_back(configuration(tenant, bridge, config));
    result.push_back(service(tenant, bridge));
    result.push_back(deployment(tenant, bridge, config));
  }
  return result;
}

}  // namespace alphorn::manifests
