#include "directories/world.hpp"

#include <stdexcept>

#include "base/encoding.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::directories {
namespace {

using api::DocumentRef;

std::string display(const DocumentRef& reference) {
  return (reference.kind == DocumentRef::Kind::secret ? "Secret " : "ConfigMap ") + reference.name;
}

/// As somebody would have written it: what the API server added would only be in the way.
std::string rendered(const api::CompanyDirectory& resource) {
  return to_yaml({{"apiVersion", std::string{api::kGroup} + "/" + api::kVersion},
                  {"kind", "CompanyDirectory"},
                  {"metadata", {{"name", resource.name}}},
                  {"spec", resource.document}});
}

/// Content in base64 by file name, whatever kind the source is of.
json files_of(const json& source) {
  json files = json::object();
  for (const auto& [name, text] : at_path(source, "data").items()) {
    const bool is_encoded = string_at(source, "kind") == "Secret";
    if (text.is_string())
      files[name] = is_encoded ? text : json(base64_encode(text.get<std::string>()));
  }
  for (const auto& [name, bytes] : at_path(source, "binaryData").items()) files[name] = bytes;
  return files;
}

Obstacle missing(const World& world, const DocumentRef& reference) {
  return {.reason = "DocumentMissing",
          .message = display(reference) + " is not there, lacks the label " +
                     manifests::kTenantLabel + "=" + world.resource.homeserver +
                     ", or is the operator's own",
          .is_for_people = true};
}

/// What the document itself calls its server; "" when it cannot be told, which a run will.
std::string server_name_in(const json& files, const std::string& file) {
  try {
    return string_at(from_yaml(base64_decode(files.at(file).get<std::string>())),
                     "spec/serverName");
  } catch (const std::invalid_argument&) {
    return "";
  }
}

}  // namespace

const json* World::child(const std::string& kind, const std::string& name) const {
  const auto found = children.find({.kind = kind, .name = name});
  return found == children.end() ? nullptr : found->second.get();
}

void read_document(World& world, const std::optional<json>& source, const std::string& image) {
  const api::CompanyDirectory& resource = world.resource;
  manifests::Directory directory{.name = resource.name,
                                 .uid = resource.uid,
                                 .image = image,
                                 .file = api::kDocumentKey,
                                 .schedule = resource.schedule,
                                 .time_zone = resource.time_zone,
                                 .allow_leavers = resource.allow_leavers};
  if (const auto& reference = resource.document_from) {
    if (!source) {
      world.document_problem = missing(world, *reference);
      return;
    }
    directory.file = reference->key;
    directory.files = files_of(*source);
    if (!directory.files.contains(reference->key)) {
      world.document_problem =
          Obstacle{.reason = "DocumentMissing",
                   .message = display(*reference) + " has no key " + reference->key,
                   .is_for_people = true};
      return;
    }
  } else {
    directory.files[directory.file] = base64_encode(rendered(resource));
  }
  directory.fingerprint = fingerprint_of({{"file", directory.file},
                                          {"files", directory.files},
                                          {"homeserver", resource.homeserver},
                                          {"allowLeavers", resource.allow_leavers.value_or(0)}});
  const std::string named = server_name_in(directory.files, directory.file);
  if (world.tenant && !named.empty() && named != world.tenant->spec.server_name) {
    world.document_problem = Obstacle{.reason = "OtherServer",
                                      .message = "spec.serverName is " + shortened(named, 230) +
                                                 ", and CompanyHomeserver " + resource.homeserver +
                                                 " is " + world.tenant->spec.server_name,
                                      .is_for_people = true};
  }
  world.directory = std::move(directory);
}

}  // namespace alphorn::directories
