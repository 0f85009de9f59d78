#include "homeserver/world.hpp"

#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

ObjectPtr::ObjectPtr(std::shared_ptr<const json> object)
    : version_(string_at(*object, "metadata/uid") + "@" +
               string_at(*object, "metadata/resourceVersion")),
      object_(std::move(object)) {}

ObjectPtr::ObjectPtr(std::string version, Read read)
    : version_(std::move(version)), read_(std::move(read)) {}

const json* ObjectPtr::get() const {
  if (!object_) object_ = std::make_shared<const json>(read_());
  return object_.get();
}

ChildId child_id(const json& object) {
  return {.kind = string_at(object, "kind"), .name = string_at(object, "metadata/name")};
}

bool is_kept(const json& object) {
  const json& labels = at_path(object, "metadata/labels");
  return labels.is_object() && labels.contains(manifests::kKeepLabel);
}

std::string controller_uid(const json& object) {
  for (const json& owner : at_path(object, "metadata/ownerReferences")) {
    if (owner.value("controller", false)) return string_at(owner, "uid");
  }
  return "";
}

bool is_going(const json& object) {
  return at_path(object, "metadata").contains("deletionTimestamp");
}

const json* World::child(const std::string& kind, const std::string& name) const {
  const auto found = children.find(ChildId{.kind = kind, .name = name});
  return found == children.end() ? nullptr : found->second.get();
}

const json& end_of(const json& job, const char* outcome) {
  static const json not_yet;
  for (const json& condition : at_path(job, "status/conditions")) {
    if (string_at(condition, "type") == outcome && string_at(condition, "status") == "True") {
      return condition;
    }
  }
  return not_yet;
}

}  // namespace alphorn::homeserver
