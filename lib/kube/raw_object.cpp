// The one file that knows simdjson.
#include "kube/raw_object.hpp"

#include <simdjson.h>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace alphorn::kube {
namespace {

namespace ondemand = simdjson::ondemand;

/// The text with the room behind it that simdjson reads ahead into. One per thread, kept.
simdjson::padded_string_view padded(std::string_view text) {
  thread_local std::string buffer;
  buffer.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  buffer.assign(text);
  return simdjson::padded_string_view{buffer.data(), buffer.size(), buffer.capacity()};
}

ondemand::parser& parser() {
  thread_local ondemand::parser one;
  return one;
}

std::string_view trimmed(std::string_view token) {
  while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') token.remove_suffix(1);
  return token;
}

/// The value's own text.
std::string_view text_of(ondemand::value value) {
  switch (value.type()) {
    case ondemand::json_type::object: {
      ondemand::object object = value.get_object();
      return object.raw_json();
    }
    case ondemand::json_type::array: {
      ondemand::array array = value.get_array();
      return array.raw_json();
    }
    case ondemand::json_type::number:
    case ondemand::json_type::string:
    case ondemand::json_type::boolean:
    case ondemand::json_type::null:
      break;
  }
  return trimmed(value.raw_json_token());
}

/// The string that a value's text spells; "" when it spells something else.
std::string string_in(std::string_view text) {
  if (text.size() < 2 || text.front() != '"') return "";
  if (text.find('\\') == std::string_view::npos)
    return std::string{text.substr(1, text.size() - 2)};
  const json value = json::parse(text, nullptr, false);
  return value.is_string() ? value.get<std::string>() : "";
}

void put_name(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  const bool plain = std::none_of(name.begin(), name.end(), [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ';
  });
  if (plain) {
    out += '"';
    out += name;
    out += '"';
  } else {
    out += json(std::string{name}).dump();
  }
  out += ':';
}

json object_in(ondemand::object in);

json value_in(ondemand::value value) {
  switch (value.type()) {
    case ondemand::json_type::object:
      return object_in(value.get_object());
    case ondemand::json_type::array: {
      json::array_t items;
      for (auto item : value.get_array()) items.push_back(value_in(item.value()));
      return items;
    }
    case ondemand::json_type::string:
      return std::string{static_cast<std::string_view>(value.get_string())};
    case ondemand::json_type::boolean:
      return static_cast<bool>(value.get_bool());
    case ondemand::json_type::number: {
      const ondemand::number number = value.get_number();
      if (number.is_double()) return number.get_double();
      if (number.is_uint64()) return number.get_uint64();
      const std::int64_t whole = number.get_int64();
      return whole < 0 ? json(whole) : json(static_cast<std::uint64_t>(whole));
    }
    case ondemand::json_type::null:
      break;
  }
  if (!value.is_null()) throw simdjson::simdjson_error(simdjson::N_ATOM_ERROR);
  return nullptr;
}

json object_in(ondemand::object in) {
  json::object_t members;
  for (auto field : in) {
    std::string name{static_cast<std::string_view>(field.unescaped_key())};
    // Most objects come sorted. Of equal names the last one counts.
    const auto place = members.emplace_hint(members.end(), std::move(name), nullptr);
    place->second = value_in(field.value());
  }
  return members;
}

std::runtime_error unreadable(const char* what, std::string_view text,
                              const simdjson::simdjson_error& error) {
  return std::runtime_error(std::string{what} + " cannot be read (" + error.what() +
                            "): " + std::string{text.substr(0, 100)});
}

}  // namespace

struct Cutter::Tree {
  std::map<std::string, Tree, std::less<>> inner;  ///< empty: the whole field is left out

  const Tree* below(std::string_view name) const {
    const auto found = inner.find(name);
    return found == inner.end() ? nullptr : &found->second;
  }

  /// Appends the object without what this tree names.
  void copy(ondemand::object in, std::string& out) const {
    out += '{';
    for (auto field : in) {
      const std::string_view name = field.unescaped_key();
      const Tree* cut = below(name);
      if (cut != nullptr && cut->inner.empty()) continue;
      put_name(out, name);
      ondemand::value value = field.value();
      if (cut != nullptr && value.type() == ondemand::json_type::object) {
        cut->copy(value.get_object(), out);
      } else {
        out += text_of(value);
      }
    }
    out += '}';
  }

  void copy_metadata(ondemand::object in, RawObject& raw) const {
    std::string& out = raw.text;
    out += '{';
    for (auto field : in) {
      const std::string_view name = field.unescaped_key();
      const Tree* cut = below(name);
      if (cut != nullptr && cut->inner.empty()) continue;
      put_name(out, name);
      const std::size_t start = out.size();
      const bool is_labels = name == "labels";
      const bool is_key = name == "name" || name == "namespace" || name == "resourceVersion";
      std::string& place = name == "name"        ? raw.key.name
                           : name == "namespace" ? raw.key.ns
                                                 : raw.resource_version;
      ondemand::value value = field.value();
      if (value.type() == ondemand::json_type::object && (cut != nullptr || is_labels)) {
        is_labels ? copy_labels(value.get_object(), raw) : cut->copy(value.get_object(), out);
      } else {
        out += text_of(value);
        if (is_key) place = string_in(std::string_view{out}.substr(start));
      }
    }
    out += '}';
  }

  static void copy_labels(ondemand::object in, RawObject& raw) {
    raw.text += '{';
    for (auto field : in) {
      std::string name{static_cast<std::string_view>(field.unescaped_key())};
      put_name(raw.text, name);
      const std::string_view text = text_of(field.value());
      raw.text += text;
      raw.labels.emplace_back(std::move(name), string_in(text));
    }
    raw.text += '}';
  }

  RawObject read(ondemand::object in, const Kind* kind, std::size_t size) const {
    static const Tree nothing;
    RawObject raw;
    raw.text.reserve(size);
    raw.text += '{';
    if (kind != nullptr) {
      put_name(raw.text, "apiVersion");
      raw.text += '"' + kind->api_version() + '"';
      put_name(raw.text, "kind");
      raw.text += '"' + kind->name + '"';
    }
    for (auto field : in) {
      const std::string_view name = field.unescaped_key();
      if (kind != nullptr && (name == "apiVersion" || name == "kind")) continue;
      const Tree* cut = below(name);
      if (cut != nullptr && cut->inner.empty()) continue;
      put_name(raw.text, name);
      ondemand::value value = field.value();
      const bool is_object = value.type() == ondemand::json_type::object;
      if (is_object && name == "metadata") {
        (cut == nullptr ? nothing : *cut).copy_metadata(value.get_object(), raw);
      } else if (is_object && cut != nullptr) {
        cut->copy(value.get_object(), raw.text);
      } else {
        raw.text += text_of(value);
      }
    }
    raw.text += '}';
    return raw;
  }
};

json parsed_object(std::string_view text) {
  try {
    ondemand::document document = parser().iterate(padded(text));
    json object = object_in(document.get_object());
    const bool is_all = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    if (is_all) return object;
  } catch (const simdjson::simdjson_error&) {
    // No object, or one that only the other parser takes: numbers beyond 64 bits.
  }
  json object = json::parse(text, nullptr, false);
  return object.is_object() ? object : json(nullptr);
}

json RawObject::read() const {
  json object = parsed_object(text);
  if (!object.is_object()) throw std::runtime_error(key.display() + " is no JSON object");
  return object;
}

std::string RawObject::label(std::string_view name) const {
  for (const auto& [key_of_label, value] : labels) {
    if (key_of_label == name) return value;
  }
  return "";
}

const FieldPaths& bookkeeping() {
  static const FieldPaths paths{
      {"metadata", "managedFields"},
      {"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"}};
  return paths;
}

Cutter::Cutter(const FieldPaths& paths) : tree_(std::make_unique<Tree>()) {
  for (const auto& path : paths) {
    Tree* place = tree_.get();
    for (const std::string& name : path) place = &place->inner[name];
  }
}

Cutter::~Cutter() = default;
Cutter::Cutter(Cutter&&) noexcept = default;
Cutter& Cutter::operator=(Cutter&&) noexcept = default;

RawObject Cutter::cut(std::string_view object, const Kind* kind) const {
  try {
    auto document = parser().iterate(padded(object));
    return tree_->read(document.get_object(), kind, object.size());
  } catch (const simdjson::simdjson_error& error) {
    throw unreadable("an object", object, error);
  }
}

Cutter::Page Cutter::cut_page(std::string_view list, const Kind& kind) const {
  try {
    Page page;
    auto document = parser().iterate(padded(list));
    for (auto field : document.get_object()) {
      const std::string_view name = field.unescaped_key();
      ondemand::value value = field.value();
      if (name == "metadata") {
        for (auto entry : value.get_object()) {
          const std::string_view what = entry.unescaped_key();
          const std::string text = string_in(text_of(entry.value()));
          if (what == "resourceVersion") page.resource_version = text;
          if (what == "continue") page.next = text;
        }
      } else if (name == "items" && value.type() == ondemand::json_type::array) {
        for (auto item : value.get_array()) {
          page.items.push_back(tree_->read(item.get_object(), &kind, 0));
        }
      }
    }
    return page;
  } catch (const simdjson::simdjson_error& error) {
    throw unreadable("a list", list, error);
  }
}

Cutter::Event Cutter::cut_event(std::string_view line, const Kind& kind) const {
  try {
    auto document = parser().iterate(padded(line));
    Event event;
    event.type = std::string{static_cast<std::string_view>(document["type"].get_string())};
    event.object = tree_->read(document["object"].get_object(), &kind, line.size());
    return event;
  } catch (const simdjson::simdjson_error& error) {
    throw unreadable("a line of the watch", line, error);
  }
}

}  // namespace alphorn::kube
