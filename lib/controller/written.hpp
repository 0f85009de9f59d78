#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/locked.hpp"
#include "controller/store.hpp"

namespace alphorn::controller {

/// Read-your-writes, per key: which resource versions a key's own writes returned and the cache has
/// not shown yet. A pass over a cache older than its own last write would act on the past.
/// Thread-safe.
class WrittenVersions {
 public:
  /// `object` is what the API server returned for a write made on behalf of `key`.
  void record(const kube::Key& key, const kube::Kind& kind, const kube::RawObject& object);

  /// True when every recorded write of `key` has reached the store of its kind (then they are
  /// forgotten). `store_of` returns null for a kind that is not cached: such writes count as seen.
  bool caught_up(const kube::Key& key,
                 const std::function<const Store*(const kube::Kind&)>& store_of);

 private:
  using Versions = std::map<kube::Kind, std::string>;
  Locked<std::map<kube::Key, Versions>> written_;
};

}  // namespace alphorn::controller
