#include "controller/store.hpp"

#include <algorithm>
#include <set>

#include "base/locked.hpp"

namespace alphorn::controller {
namespace {

/// Objects in the order of their keys, which they carry themselves.
struct ByKey {
  using is_transparent = void;
  bool operator()(const ObjectPtr& left, const ObjectPtr& right) const {
    return left->key() < right->key();
  }
  bool operator()(const ObjectPtr& left, const kube::Key& right) const {
    return left->key() < right;
  }
  bool operator()(const kube::Key& left, const ObjectPtr& right) const {
    return left < right->key();
  }
};
using Objects = std::set<ObjectPtr, ByKey>;

/// What is found under one index value. Few as a rule, so a sorted list is smallest.
struct Shelf {
  std::shared_ptr<const std::string> value;
  std::vector<ObjectPtr> objects;
};

struct Content {
  Objects objects;
  std::vector<std::map<std::string, Shelf, std::less<>>> indexes;  ///< by indexer; none is empty
  std::string resource_version;
};

void shelve(Shelf& shelf, const ObjectPtr& object) {
  const auto place = std::lower_bound(shelf.objects.begin(), shelf.objects.end(), object, ByKey{});
  shelf.objects.insert(place, object);
}

}  // namespace

struct Store::State {
  /// Makes the values of an object point to the shelves' own, and puts it there.
  static void index(Content& in, const std::shared_ptr<Object>& object) {
    for (auto& [number, value] : object->index_values_) {
      Shelf& shelf = in.indexes[number][*value];
      if (!shelf.value) shelf.value = value;
      value = shelf.value;
      shelve(shelf, object);
    }
  }

  static void unindex(Content& in, const ObjectPtr& object) {
    for (const auto& [number, value] : object->index_values_) {
      const auto found = in.indexes[number].find(*value);
      if (found == in.indexes[number].end()) continue;
      auto& objects = found->second.objects;
      const auto place = std::lower_bound(objects.begin(), objects.end(), object, ByKey{});
      if (place != objects.end() && *place == object) objects.erase(place);
      if (objects.empty()) in.indexes[number].erase(found);
    }
  }

  std::size_t number_of(const std::string& index) const {
    const auto found = std::find(names.begin(), names.end(), index);
    return static_cast<std::size_t>(found - names.begin());
  }

  std::vector<std::string> names;  ///< of the indexers
  std::vector<Indexer> indexers;
  Packing packing;  ///< the writer's
  Locked<Content> content;
};

json Object::read() const {
  json object = kube::parsed_object(packed_.unpack());
  if (!object.is_object()) throw std::runtime_error(key_.display() + " is no JSON object");
  return object;
}

Store::Store(std::map<std::string, Indexer> indexers) : state_(std::make_unique<State>()) {
  for (auto& [name, indexer] : indexers) {
    state_->names.push_back(name);
    state_->indexers.push_back(std::move(indexer));
  }
  state_->content.with([&](Content& content) { content.indexes.resize(state_->names.size()); });
}

Store::~Store() = default;

ObjectPtr Store::get(const kube::Key& key) const {
  return state_->content.with([&](const Content& content) {
    const auto found = content.objects.find(key);
    return found == content.objects.end() ? ObjectPtr{} : *found;
  });
}

std::vector<ObjectPtr> Store::list() const {
  return state_->content.with([](const Content& content) {
    return std::vector<ObjectPtr>{content.objects.begin(), content.objects.end()};
  });
}

std::vector<ObjectPtr> Store::by_index(const std::string& index, const std::string& value) const {
  const std::size_t number = state_->number_of(index);
  if (number == state_->names.size()) return {};
  return state_->content.with([&](const Content& content) {
    const auto found = content.indexes[number].find(value);
    return found == content.indexes[number].end() ? std::vector<ObjectPtr>{}
                                                  : found->second.objects;
  });
}

std::vector<std::string> Store::index_values(const Object& object, const std::string& index) const {
  std::vector<std::string> values;
  const std::size_t wanted = state_->number_of(index);
  for (const auto& [number, value] : object.index_values_) {
    if (number == wanted) values.push_back(*value);
  }
  return values;
}

std::string Store::resource_version() const {
  return state_->content.with([](const Content& content) { return content.resource_version; });
}

std::shared_ptr<Object> Store::pack(const kube::RawObject& object) {
  auto packed = std::make_shared<Object>();
  packed->key_ = object.key;
  packed->resource_version_ = object.resource_version;
  packed->packed_ = state_->packing.pack(object.text);
  for (std::size_t number = 0; number < state_->indexers.size(); ++number) {
    for (std::string& value : state_->indexers[number](object)) {
      packed->index_values_.emplace_back(number,
                                         std::make_shared<const std::string>(std::move(value)));
    }
  }
  packed->index_values_.shrink_to_fit();
  return packed;
}

ObjectPtr Store::put(const kube::RawObject& object) {
  const std::shared_ptr<Object> fresh = pack(object);
  return state_->content.with([&](Content& content) {
    ObjectPtr before;
    const auto found = content.objects.find(fresh->key());
    if (found != content.objects.end()) {
      before = *found;
      state_->unindex(content, before);
      content.objects.erase(found);
    }
    content.objects.insert(fresh);
    State::index(content, fresh);
    content.resource_version = fresh->resource_version();
    return before;
  });
}

ObjectPtr Store::erase(const kube::Key& key) {
  return state_->content.with([&](Content& content) {
    const auto found = content.objects.find(key);
    if (found == content.objects.end()) return ObjectPtr{};
    ObjectPtr before = *found;
    state_->unindex(content, before);
    content.objects.erase(found);
    return before;
  });
}

std::vector<ObjectPtr> Store::replace(const std::vector<std::shared_ptr<Object>>& objects,
                                      const std::string& resource_version) {
  Content fresh;
  fresh.indexes.resize(state_->names.size());
  for (const std::shared_ptr<Object>& object : objects) {
    if (!fresh.objects.insert(object).second) continue;
    State::index(fresh, object);
  }
  fresh.resource_version = resource_version;
  return state_->content.with([&](Content& content) {
    std::vector<ObjectPtr> gone;
    for (const ObjectPtr& object : content.objects) {
      if (!fresh.objects.contains(object)) gone.push_back(object);
    }
    std::swap(content, fresh);
    return gone;
  });
}

void Store::advance(const std::string& resource_version) {
  state_->content.with([&](Content& content) { content.resource_version = resource_version; });
}

}  // namespace alphorn::controller
