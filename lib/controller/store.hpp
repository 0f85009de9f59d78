#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "controller/packing.hpp"
#include "kube/kind.hpp"
#include "kube/raw_object.hpp"

namespace alphorn::controller {

/// A cached object, kept packed: an operator caches many objects and reads few at a time. Never
/// changed after it was stored, so it may be held and read without a lock.
class Object {
 public:
  const kube::Key& key() const { return key_; }
  const std::string& resource_version() const { return resource_version_; }
  /// The object itself. Unpacks and parses, tens of microseconds: keep the result.
  json read() const;

 private:
  friend class Store;
  /// Under which value of which indexer it is found; equal values are shared between objects.
  using IndexValue = std::pair<std::size_t, std::shared_ptr<const std::string>>;

  kube::Key key_;
  std::string resource_version_;
  Packed packed_;
  std::vector<IndexValue> index_values_;
};
using ObjectPtr = std::shared_ptr<const Object>;

/// The objects of one kind as the API server last told of them, with named indexes.
/// Readers are any threads and get shared pointers, never references into the store. Writers (put,
/// erase, replace, advance) are one thread: the informer's.
class Store {
 public:
  /// Under which index values an object is found; it may be none or several. Metadata is at hand;
  /// object.read() gives the rest and costs a parse per event.
  using Indexer = std::function<std::vector<std::string>(const kube::RawObject& object)>;

  explicit Store(std::map<std::string, Indexer> indexers = {});
  ~Store();

  ObjectPtr get(const kube::Key& key) const;  ///< null when absent
  std::vector<ObjectPtr> list() const;        ///< ordered by key
  std::vector<ObjectPtr> by_index(const std::string& index, const std::string& value) const;

  /// Under which values of that index an object of this store is found, also after it is gone.
  std::vector<std::string> index_values(const Object& object, const std::string& index) const;

  /// The newest resource version the store reflects: of the last event, bookmark or list.
  std::string resource_version() const;

  /// An object to be stored later, by replace().
  std::shared_ptr<Object> pack(const kube::RawObject& object);

  // What the informer calls; each returns what was there before (null when nothing was).
  ObjectPtr put(const kube::RawObject& object);
  ObjectPtr erase(const kube::Key& key);
  /// Swaps the whole content; returns the objects that are gone.
  std::vector<ObjectPtr> replace(const std::vector<std::shared_ptr<Object>>& objects,
                                 const std::string& resource_version);
  void advance(const std::string& resource_version);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace alphorn::controller
