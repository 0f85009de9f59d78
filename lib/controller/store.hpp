#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "kube/kind.hpp"

namespace alphorn::controller {

/// A cached object. Never changed after it was stored, so it may be held and read without a lock.
using ObjectPtr = std::shared_ptr<const json>;

/// The objects of one kind as the API server last told of them, with named indexes.
/// Thread-safe; readers get shared pointers, never references into the store.
class Store {
 public:
  /// Under which index values an object is found; it may be none or several.
  using Indexer = std::function<std::vector<std::string>(const json& object)>;

  explicit Store(std::map<std::string, Indexer> indexers = {});
  ~Store();

  ObjectPtr get(const kube::Key& key) const;  ///< null when absent
  std::vector<ObjectPtr> list() const;        ///< ordered by key
  std::vector<ObjectPtr> by_index(const std::string& index, const std::string& value) const;

  /// The newest resource version the store reflects: of the last event, bookmark or list.
  std::string resource_version() const;

  // What the informer calls; each returns what was there before (null when nothing was).
  ObjectPtr put(json object);
  ObjectPtr erase(const kube::Key& key);
  /// Swaps the whole content; returns the objects that are gone.
  std::vector<ObjectPtr> replace(std::vector<json> objects, const std::string& resource_version);
  void advance(const std::string& resource_version);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace alphorn::controller
