#include "base/json.hpp"

#include "base/encoding.hpp"

namespace alphorn {
namespace {

void append_text(const std::string& text, std::string& out) {
  out += 's';
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

void append(const json& value, std::string& out) {
  switch (value.type()) {
    case json::value_t::object:
      out += '{';
      for (const auto& [name, member] : value.items()) {
        append_text(name, out);
        append(member, out);
      }
      out += '}';
      return;
    case json::value_t::array:
      out += '[';
      for (const json& item : value) append(item, out);
      out += ']';
      return;
    case json::value_t::string:
      append_text(value.get_ref<const std::string&>(), out);
      return;
    default:
      // What follows begins with a sign that no number has.
      out += '#';
      out += value.dump();
  }
}

}  // namespace

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

std::string canonical_bytes(const json& value) {
  std::string bytes;
  append(value, bytes);
  return bytes;
}

std::string fingerprint_of(const json& value) {
  return sha256_hex(canonical_bytes(value)).substr(0, 16);
}

}  // namespace alphorn
