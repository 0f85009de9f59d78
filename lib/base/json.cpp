#include "base/json.hpp"

namespace alphorn {

const json& at_path(const json& object, std::string_view path) {
  static const json null;
  const json* here = &object;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view step = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    if (!here->is_object()) return null;
    const auto found = here->find(std::string{step});
    if (found == here->end()) return null;
    here = &*found;
  }
  return *here;
}

std::string string_at(const json& object, std::string_view path) {
  const json& value = at_path(object, path);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

std::int64_t integer_at(const json& object, std::string_view path, std::int64_t otherwise) {
  const json& value = at_path(object, path);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

}  // namespace alphorn
