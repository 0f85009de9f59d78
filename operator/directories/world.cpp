#include "directories/world.hpp"

#include <stdexcept>

#include "base/encoding.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::directories {
namespace {

using api::DocumentRef;

constexpr std::size_t kLongestName = 230;

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

Obstacle missing(const api::CompanyDirectory& resource, const DocumentRef& reference) {
  return {.reason = "DocumentMissing",
          .message = display(reference) + " is not there, lacks the label " +
                     manifests::kTenantLabel + "=" + resource.homeserver +
                     ", or is the operator's own",
          .is_for_people = true};
}

/// The document, as far as it can be read here; what is wrong with it a run tells better.
json parsed(const json& files, const std::string& file) {
  try {
    return from_yaml(base64_decode(files.at(file).get<std::string>()));
  } catch (const std::invalid_argument&) {
    return {};
  }
}

/// What a run reads, or why it cannot.
struct Content {
  std::string file = api::kDocumentKey;
  json files = json::object();
  json document = json::object();  ///< as far as it can be read here
  std::optional<Obstacle> problem = {};
};

Content content_of(const api::CompanyDirectory& resource, const std::optional<json>& source) {
  if (!resource.document_from) {
    return {.files = {{api::kDocumentKey, base64_encode(rendered(resource))}},
            .document = {{"spec", resource.document}}};
  }
  const DocumentRef& reference = *resource.document_from;
  if (!source) return {.problem = missing(resource, reference)};
  Content content{.file = reference.key, .files = files_of(*source)};
  if (!content.files.contains(reference.key)) {
    content.problem = Obstacle{.reason = "DocumentMissing",
                               .message = display(reference) + " has no key " + reference.key,
                               .is_for_people = true};
    return content;
  }
  content.document = parsed(content.files, reference.key);
  return content;
}

std::optional<Obstacle> other_server(const World& world, const std::string& named) {
  if (!world.tenant || named.empty() || named == world.tenant->spec.server_name) return {};
  return Obstacle{.reason = "OtherServer",
                  .message = "spec.serverName is " + shortened(named, kLongestName) +
                             ", and CompanyHomeserver " + world.resource.homeserver + " is " +
                             world.tenant->spec.server_name,
                  .is_for_people = true};
}

}  // namespace

const json* World::child(const std::string& kind, const std::string& name) const {
  const auto found = children.find({.kind = kind, .name = name});
  return found == children.end() ? nullptr : found->second.get();
}

void read_document(World& world, const std::optional<json>& source, const std::string& image) {
  const api::CompanyDirectory& resource = world.resource;
  Content content = content_of(resource, source);
  world.document_problem = content.problem;
  if (content.problem) return;
  world.document_problem = other_server(world, string_at(content.document, "spec/serverName"));
  manifests::Directory directory{.name = resource.name,
                                 .uid = resource.uid,
                                 .image = image,
                                 .file = content.file,
                                 .files = std::move(content.files),
                                 .schedule = resource.schedule,
                                 .time_zone = resource.time_zone,
                                 .allow_leavers = resource.allow_leavers};
  // Another homeserver of the same name has nobody yet.
  directory.fingerprint = fingerprint_of({{"file", directory.file},
                                          {"files", directory.files},
                                          {"homeserver", world.tenant ? world.tenant->uid : ""},
                                          {"allowLeavers", resource.allow_leavers.value_or(0)}});
  if (string_at(content.document, "spec/homeserver/webUrl").empty()) {
    directory.web_url = world.web_address;
  }
  world.directory = std::move(directory);
}

}  // namespace alphorn::directories
