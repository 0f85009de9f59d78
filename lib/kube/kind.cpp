#include "kube/kind.hpp"

namespace alphorn::kube {

std::string ObjectRef::display() const {
  return kind.name + " " + (ns.empty() ? name : ns + "/" + name);
}

Key key_of(const json& object) {
  return {string_at(object, "metadata/namespace"), string_at(object, "metadata/name")};
}

}  // namespace alphorn::kube
