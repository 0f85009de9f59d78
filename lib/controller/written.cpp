#include "controller/written.hpp"

#include <algorithm>

namespace alphorn::controller {
namespace {

/// Resource versions of one server are decimal numbers that grow (Kubernetes guarantees so since
/// 1.35); they may be longer than 64 bits in theory, so they are compared as text.
bool reached(const std::string& cached, const std::string& written) {
  if (cached.size() != written.size()) return cached.size() > written.size();
  return cached >= written;
}

bool is_comparable(const std::string& version) {
  return !version.empty() && version.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

void WrittenVersions::record(const kube::Key& key, const kube::Kind& kind,
                             const kube::RawObject& object) {
  const std::string& version = object.resource_version;
  if (!is_comparable(version)) return;
  written_.with([&](std::map<kube::Key, Versions>& written) {
    std::string& latest = written[key][kind];
    if (latest.empty() || reached(version, latest)) latest = version;
  });
}

bool WrittenVersions::caught_up(const kube::Key& key,
                                const std::function<const Store*(const kube::Kind&)>& store_of) {
  return written_.with([&](std::map<kube::Key, Versions>& written) {
    const auto found = written.find(key);
    if (found == written.end()) return true;
    std::erase_if(found->second, [&](const auto& entry) {
      const Store* store = store_of(entry.first);
      return store == nullptr || reached(store->resource_version(), entry.second);
    });
    if (!found->second.empty()) return false;
    written.erase(found);
    return true;
  });
}

}  // namespace alphorn::controller
