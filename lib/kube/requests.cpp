#include "kube/requests.hpp"

#include "base/encoding.hpp"

namespace alphorn::kube::requests {
namespace {

std::string collection(const Kind& kind, const std::string& ns) {
  std::string path = kind.group.empty() ? "/api/" : "/apis/" + percent_encode(kind.group) + "/";
  path += percent_encode(kind.version);
  if (kind.namespaced && !ns.empty()) path += "/namespaces/" + percent_encode(ns);
  return path + "/" + percent_encode(kind.plural);
}

std::string path_of(const ObjectRef& object) {
  // A namespaced object without a namespace, or any object without a name, would address the whole
  // collection; for DELETE that is a disaster.
  if (object.name.empty() || (object.kind.namespaced && object.ns.empty())) {
    throw std::invalid_argument(object.kind.name + " \"" + object.ns + "/" + object.name +
                                "\": name or namespace is missing");
  }
  return collection(object.kind, object.ns) + "/" + percent_encode(object.name);
}

ObjectRef ref_of(const Kind& kind, const json& manifest) {
  return {kind, kind.namespaced ? string_at(manifest, "metadata/namespace") : "",
          string_at(manifest, "metadata/name")};
}

class Query {
 public:
  Query& add(const char* name, const std::string& value) {
    if (value.empty()) return *this;
    text_ += text_.empty() ? "?" : "&";
    text_ += name;
    text_ += "=" + percent_encode(value);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// etcd's first revision, before there was any object.
constexpr const char* kNobodysVersion = "1";

http::Request request(const char* method, std::string target) {
  return {
      .method = method, .target = std::move(target), .headers = {{"Accept", "application/json"}}};
}

/// Servers that cannot leave the rest out answer with whole objects.
http::Request only_metadata(http::Request request, const char* what, bool wanted) {
  if (wanted) {
    request.headers["Accept"] =
        std::string{"application/json;as="} + what + ";g=meta.k8s.io;v=v1,application/json";
  }
  return request;
}

http::Request with_body(http::Request request, const json& body, const char* type) {
  request.headers["Content-Type"] = type;
  // A message may quote what is no UTF-8; that must not keep a status from being written.
  request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return request;
}

}  // namespace

http::Request get(const ObjectRef& object) { return request("GET", path_of(object)); }

http::Request list(const Kind& kind, const ListOptions& options, const std::string& token) {
  Query query;
  query.add("labelSelector", options.label_selector).add("fieldSelector", options.field_selector);
  if (options.limit > 0) query.add("limit", std::to_string(options.limit));
  // A continued list has its resource version in the token; naming one again is refused.
  if (token.empty()) query.add("resourceVersion", options.resource_version);
  query.add("continue", token);
  return only_metadata(request("GET", collection(kind, options.ns) + query.text()),
                       "PartialObjectMetadataList", options.metadata_only);
}

http::Request watch(const Kind& kind, const WatchOptions& options) {
  Query query;
  query.add("watch", "true")
      .add("allowWatchBookmarks", "true")
      .add("resourceVersion", options.resource_version)
      .add("timeoutSeconds", std::to_string(options.timeout.count()))
      .add("labelSelector", options.label_selector)
      .add("fieldSelector", options.field_selector);
  if (options.send_initial_events) {
    query.add("sendInitialEvents", "true").add("resourceVersionMatch", "NotOlderThan");
  }
  return only_metadata(request("GET", collection(kind, options.ns) + query.text()),
                       "PartialObjectMetadata", options.metadata_only);
}

http::Request apply(const Kind& kind, const json& manifest, const ApplyOptions& options) {
  std::string target = path_of(ref_of(kind, manifest));
  if (!options.subresource.empty()) target += "/" + percent_encode(options.subresource);
  Query query;
  query.add("fieldManager", options.field_manager)
      .add("force", options.force == Force::yes ? "true" : "")
      .add("dryRun", options.dry_run == DryRun::yes ? "All" : "")
      .add("fieldValidation", "Strict");
  // Every JSON document is YAML, so the body needs no conversion.
  constexpr const char* kApplyPatch = "application/apply-patch+yaml";
  if (!options.only_create) {
    return with_body(request("PATCH", target + query.text()), manifest, kApplyPatch);
  }
  json fresh = manifest;
  fresh["metadata"]["resourceVersion"] = kNobodysVersion;
  return with_body(request("PATCH", target + query.text()), fresh, kApplyPatch);
}

http::Request create(const Kind& kind, const json& manifest, DryRun dry_run) {
  const ObjectRef object = ref_of(kind, manifest);
  const bool generated = !string_at(manifest, "metadata/generateName").empty();
  if (!generated || (kind.namespaced && object.ns.empty()))
    path_of(object);  // refuses what it must
  Query query;
  query.add("dryRun", dry_run == DryRun::yes ? "All" : "").add("fieldValidation", "Strict");
  return with_body(request("POST", collection(kind, object.ns) + query.text()), manifest,
                   "application/json");
}

http::Request replace(const Kind& kind, const json& manifest) {
  Query query;
  query.add("fieldValidation", "Strict");
  return with_body(request("PUT", path_of(ref_of(kind, manifest)) + query.text()), manifest,
                   "application/json");
}

http::Request merge(const Kind& kind, const json& patch) {
  Query query;
  query.add("fieldValidation", "Strict");
  return with_body(request("PATCH", path_of(ref_of(kind, patch)) + query.text()), patch,
                   "application/merge-patch+json");
}

http::Request remove(const ObjectRef& object, const Preconditions& preconditions) {
  json options = {
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}};
  if (!preconditions.uid.empty()) options["preconditions"]["uid"] = preconditions.uid;
  if (!preconditions.resource_version.empty()) {
    options["preconditions"]["resourceVersion"] = preconditions.resource_version;
  }
  return with_body(request("DELETE", path_of(object)), options, "application/json");
}

WatchEvent watch_event(std::string_view line, const Cutter& cutter, const Kind& kind) {
  using Type = WatchEvent::Type;
  // Only the type is known before the object was cut; a Status has no metadata worth cutting.
  Cutter::Event event = cutter.cut_event(line, kind);
  if (event.type == "ADDED") return {Type::added, std::move(event.object)};
  if (event.type == "MODIFIED") return {Type::modified, std::move(event.object)};
  if (event.type == "DELETED") return {Type::deleted, std::move(event.object)};
  if (event.type == "BOOKMARK") return {Type::bookmark, std::move(event.object)};
  if (event.type == "ERROR") throw error_from_status(event.object.read());
  throw std::runtime_error("a line of the watch is no event: " + std::string{line.substr(0, 100)});
}

}  // namespace alphorn::kube::requests
