#include <algorithm>
#include <array>

#include "homeserver/plan.hpp"

namespace alphorn::homeserver {

namespace {

// The keys by which Kubernetes merges lists of objects, most telling first: a volume mount has a
// name as well, but several mounts may share it.
constexpr std::array<const char*, 5> kMergeKeys{"mountPath", "uid", "name", "containerPort",
                                                "type"};

bool is_empty(const json& value) {
  return value.is_null() || ((value.is_object() || value.is_array()) && value.empty());
}

const char* merge_key(const json& items) {
  for (const char* key : kMergeKeys) {
    const bool all = std::all_of(items.begin(), items.end(), [&](const json& item) {
      return item.is_object() && item.contains(key);
    });
    if (all) return key;
  }
  return nullptr;
}

bool list_differs(const json& desired, const json& actual) {
  const char* key = merge_key(desired);
  if (key == nullptr) {
    if (desired.size() != actual.size()) return true;
    for (std::size_t i = 0; i < desired.size(); ++i) {
      if (differs(desired[i], actual[i])) return true;
    }
    return false;
  }
  return std::any_of(desired.begin(), desired.end(), [&](const json& item) {
    const auto same = std::find_if(actual.begin(), actual.end(), [&](const json& other) {
      return other.is_object() && other.contains(key) && other.at(key) == item.at(key);
    });
    return same == actual.end() || differs(item, *same);
  });
}

}  // namespace

bool differs(const json& desired, const json& actual) {
  if (is_empty(desired)) return false;  // an empty value sets nothing the server would keep
  if (desired.is_object()) {
    if (!actual.is_object()) return true;
    for (const auto& [key, value] : desired.items()) {
      const auto found = actual.find(key);
      if (found == actual.end() ? !is_empty(value) : differs(value, *found)) return true;
    }
    return false;
  }
  if (desired.is_array()) return !actual.is_array() || list_differs(desired, actual);
  return desired != actual;
}

}  // namespace alphorn::homeserver
