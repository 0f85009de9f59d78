#include "controller/store.hpp"

#include <set>

#include "base/locked.hpp"

namespace alphorn::controller {
namespace {

struct Content {
  std::map<kube::Key, ObjectPtr> objects;
  // index name -> value -> keys; an entry without keys is removed.
  std::map<std::string, std::map<std::string, std::set<kube::Key>>> indexes;
  std::string resource_version;
};

}  // namespace

struct Store::State {
  std::map<std::string, Indexer> indexers;
  Locked<Content> content;

  void index(Content& in, const kube::Key& key, const json& object) const {
    for (const auto& [name, values_of] : indexers) {
      for (const std::string& value : values_of(object)) in.indexes[name][value].insert(key);
    }
  }

  void unindex(Content& in, const kube::Key& key, const json& object) const {
    for (const auto& [name, values_of] : indexers) {
      auto& values = in.indexes[name];
      for (const std::string& value : values_of(object)) {
        const auto found = values.find(value);
        if (found == values.end()) continue;
        found->second.erase(key);
        if (found->second.empty()) values.erase(found);
      }
    }
  }
};

Store::Store(std::map<std::string, Indexer> indexers) : state_(std::make_unique<State>()) {
  state_->indexers = std::move(indexers);
}

Store::~Store() = default;

ObjectPtr Store::get(const kube::Key& key) const {
  return state_->content.with([&](const Content& content) {
    const auto found = content.objects.find(key);
    return found == content.objects.end() ? ObjectPtr{} : found->second;
  });
}

std::vector<ObjectPtr> Store::list() const {
  return state_->content.with([](const Content& content) {
    std::vector<ObjectPtr> objects;
    objects.reserve(content.objects.size());
    for (const auto& [key, object] : content.objects) objects.push_back(object);
    return objects;
  });
}

std::vector<ObjectPtr> Store::by_index(const std::string& index, const std::string& value) const {
  return state_->content.with([&](const Content& content) {
    std::vector<ObjectPtr> objects;
    const auto values = content.indexes.find(index);
    if (values == content.indexes.end()) return objects;
    const auto keys = values->second.find(value);
    if (keys == values->second.end()) return objects;
    for (const kube::Key& key : keys->second) objects.push_back(content.objects.at(key));
    return objects;
  });
}

std::string Store::resource_version() const {
  return state_->content.with([](const Content& content) { return content.resource_version; });
}

ObjectPtr Store::put(json object) {
  const auto fresh = std::make_shared<const json>(std::move(object));
  const kube::Key key = kube::key_of(*fresh);
  return state_->content.with([&](Content& content) {
    ObjectPtr& place = content.objects[key];
    ObjectPtr before = place;
    if (before) state_->unindex(content, key, *before);
    place = fresh;
    state_->index(content, key, *fresh);
    content.resource_version = string_at(*fresh, "metadata/resourceVersion");
    return before;
  });
}

ObjectPtr Store::erase(const kube::Key& key) {
  return state_->content.with([&](Content& content) {
    const auto found = content.objects.find(key);
    if (found == content.objects.end()) return ObjectPtr{};
    ObjectPtr before = found->second;
    state_->unindex(content, key, *before);
    content.objects.erase(found);
    return before;
  });
}

std::vector<ObjectPtr> Store::replace(std::vector<json> objects,
                                      const std::string& resource_version) {
  Content fresh;
  for (json& object : objects) {
    auto shared = std::make_shared<const json>(std::move(object));
    const kube::Key key = kube::key_of(*shared);
    state_->index(fresh, key, *shared);
    fresh.objects[key] = std::move(shared);
  }
  fresh.resource_version = resource_version;
  return state_->content.with([&](Content& content) {
    std::vector<ObjectPtr> gone;
    for (const auto& [key, object] : content.objects) {
      if (!fresh.objects.contains(key)) gone.push_back(object);
    }
    content = std::move(fresh);
    return gone;
  });
}

void Store::advance(const std::string& resource_version) {
  state_->content.with([&](Content& content) { content.resource_version = resource_version; });
}

}  // namespace alphorn::controller
