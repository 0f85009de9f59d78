#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "controller/store.hpp"
#include "kube/client.hpp"

namespace alphorn::controller {

struct InformerOptions {
  kube::Kind kind;
  std::string ns = {};  ///< "" for all namespaces
  std::string label_selector = {};
  std::map<std::string, Store::Indexer> indexers = {};
  /// Shrinks an object before it is stored. managedFields are always dropped.
  std::function<void(json& object)> transform = {};
};

/// Keeps a Store equal to what the API server holds of one kind: list, then watch, for ever, with
/// back-off, bookmarks, 410 and re-lists as client-go's reflector does. Handlers are called on the
/// informer's thread, with the object before (null: added) and after (null: deleted); they must be
/// quick and must not throw. Owns one thread from start() until destruction.
class Informer {
 public:
  using Handler = std::function<void(const ObjectPtr& before, const ObjectPtr& after)>;

  Informer(std::shared_ptr<kube::Client> client, InformerOptions options);
  ~Informer();

  /// Before start() only.
  void add_handler(Handler handler);
  void start();
  void stop();

  const Store& store() const { return store_; }
  const kube::Kind& kind() const { return options_.kind; }
  /// True once the first list is in the store and its handlers ran.
  bool synced() const { return synced_; }

 private:
  void run(std::stop_token stop);

  std::shared_ptr<kube::Client> client_;
  InformerOptions options_;
  Store store_;
  std::vector<Handler> handlers_;
  std::atomic<bool> synced_{false};
  std::jthread thread_;
};

}  // namespace alphorn::controller
