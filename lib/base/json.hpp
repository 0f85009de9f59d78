#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace alphorn {

using json = nlohmann::json;

/// The value at a path of object keys ("status/conditions"), or a null value when any step is
/// absent or not an object. Never throws. The reference lives as long as `object`.
const json& at_path(const json& object, std::string_view path);

/// The string at that path, or "" when it is absent or no string.
std::string string_at(const json& object, std::string_view path);

/// The integer at that path, or `otherwise`.
std::int64_t integer_at(const json& object, std::string_view path, std::int64_t otherwise = 0);

/// A short text that is the same for equal values and no other: 16 hexadecimal digits of SHA-256.
/// Stable over releases and machines.
std::string fingerprint_of(const json& value);

/// The bytes behind fingerprint_of(): every value with its type and length.
std::string canonical_bytes(const json& value);

/// YAML text of a value; block style, keys in the order of `json` (sorted), strings quoted where
/// another YAML reader would take them for something else. Deterministic.
std::string to_yaml(const json& value);

/// The one document in `text`. Quoted scalars stay strings; plain scalars follow YAML 1.2's core
/// schema. Throws std::invalid_argument that names line and column.
json from_yaml(std::string_view text);

/// Where a value stands in a text; both count from 1.
struct Position {
  int line = 0;
  int column = 0;
};
/// JSON pointer ("/spec/rooms/2/key") of every value to its position.
using Positions = std::map<std::string, Position>;

/// The same; fills `positions`.
json from_yaml(std::string_view text, Positions& positions);

}  // namespace alphorn
