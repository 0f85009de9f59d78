#include "homeserver/world.hpp"

namespace alphorn::homeserver {

ChildId child_id(const json& object) {
  return {.kind = string_at(object, "kind"), .name = string_at(object, "metadata/name")};
}

const json* World::child(const std::string& kind, const std::string& name) const {
  const auto found = children.find(ChildId{.kind = kind, .name = name});
  return found == children.end() ? nullptr : found->second.get();
}

}  // namespace alphorn::homeserver
