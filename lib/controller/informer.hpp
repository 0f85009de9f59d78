#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "controller/store.hpp"
#include "kube/backoff.hpp"
#include "kube/client.hpp"
#include "kube/wait.hpp"

namespace alphorn::controller {

struct InformerOptions {
  kube::Kind kind;
  std::string ns = {};  ///< "" for all namespaces
  std::string label_selector = {};
  std::map<std::string, Store::Indexer> indexers = {};
  /// Shrinks an object before it is stored. managedFields are always dropped.
  std::function<void(json& object)> transform = {};
  /// How often, with 10 % of jitter, every stored object is handed to the handlers once more
  /// (before and after being the same object).
  std::chrono::seconds resync = std::chrono::hours{10};

  /// What the world outside gives an informer; tests give their own.
  struct Environment {
    const Clock* clock = &steady_clock();
    std::function<void(std::chrono::milliseconds, const std::stop_token&)> wait = kube::wait_for;
    std::function<double()> random = kube::random_fraction;
  };
  Environment environment = {};
};

/// Keeps a Store equal to what the API server holds of one kind: list, then watch, for ever, with
/// back-off, bookmarks, 410 and re-lists as client-go's reflector does. Handlers are called on the
/// informer's thread, with the object before (null: added) and after (null: deleted); they must be
/// quick and must not throw. While the first list is handed over synced() is still false: add those
/// keys with low priority. Owns one thread from start() until destruction.
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
  enum class Next { relist, end };

  void run(std::stop_token stop);
  void list(const std::stop_token& stop);
  kube::ObjectList fetch(const std::stop_token& stop);
  Next watch(const std::stop_token& stop);
  void on_event(kube::WatchEvent event);
  void tell(const ObjectPtr& before, const ObjectPtr& after) const;
  void replay_when_due();
  void schedule_resync();
  void shrink(json& object) const;
  void back_off(const char* doing, const std::string& problem, const std::stop_token& stop);

  std::shared_ptr<kube::Client> client_;
  InformerOptions options_;
  Store store_;
  std::vector<Handler> handlers_;
  kube::Backoff backoff_;
  Clock::Instant resync_due_;
  std::atomic<bool> synced_{false};
  std::jthread thread_;
};

}  // namespace alphorn::controller
