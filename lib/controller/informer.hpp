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
  /// What is left out of the cached objects besides kube::bookkeeping().
  kube::FieldPaths drop = {};
  /// Only metadata is fetched and cached: for kinds whose spec and status nobody reads.
  bool metadata_only = false;
  /// Fill the cache by a streaming list where the server can; else by pages.
  bool streaming_list = true;
  /// Longest silence of a watch before its connection counts as dead: three bookmarks missed.
  std::chrono::seconds idle{180};
  /// A cluster may do without this kind, as with one of a CustomResourceDefinition: while it is not
  /// served it has no objects, and is asked for again now and then.
  bool optional = false;
  /// The program may lack the right to read this kind here: while it does, there are no objects to
  /// it, and it asks again now and then.
  bool may_be_refused = false;
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

/// Keeps a Store equal to what the API server holds of one kind: list (as a stream where the server
/// can), then watch, for ever, with back-off, bookmarks, 410 and re-lists as client-go's reflector
/// does. While it lists again readers see the old content. Handlers are called on the
/// informer's thread, with the object before (null: added) and after (null: deleted); they must be
/// quick and must not throw, and stop() must come before what they use is destroyed. While the
/// first list is handed over synced() is still false: add those keys with low priority. Owns one
/// thread from start() until destruction.
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
  const std::string& ns() const { return options_.ns; }  ///< "" for all namespaces
  /// True once the first list is in the store and its handlers ran.
  bool synced() const { return synced_; }
  /// False while the server does not know the kind, which must be optional, or refuses to tell.
  bool served() const { return served_; }

 private:
  /// How a watch begins: from what is known, or with every object that there is.
  enum class Start { known, everything };
  enum class Next { relist, end };
  using Objects = std::vector<std::shared_ptr<Object>>;

  void run(std::stop_token stop);
  void list(const std::stop_token& stop);
  kube::ObjectList fetch(const std::stop_token& stop);
  Next watch(Start start, const std::stop_token& stop);
  kube::WatchOptions watch_options(Start start) const;
  void on_event(const kube::WatchEvent& event);
  /// An event of a streaming list; true when it was the last.
  bool on_listed(const kube::WatchEvent& event);
  void replace(const Objects& objects, const std::string& resource_version);
  bool on_refusal(const kube::ApiError& error, Start start, const std::stop_token& stop);
  void tell(const ObjectPtr& before, const ObjectPtr& after) const;
  void replay_when_due();
  void schedule_resync();
  bool is_absence(const kube::ApiError& error) const;
  void wait_until_served(const char* why, const std::stop_token& stop);
  void back_off(const char* doing, const std::string& problem, const std::stop_token& stop);

  std::shared_ptr<kube::Client> client_;
  InformerOptions options_;
  kube::Cutter cutter_;
  Store store_;
  Objects listed_;                 ///< of a streaming list under way
  bool from_most_recent_ = false;  ///< the known version is of no use to the next streaming list
  std::vector<Handler> handlers_;
  kube::Backoff backoff_;
  Clock::Instant resync_due_;
  std::atomic<bool> synced_{false};
  std::atomic<bool> served_{true};
  std::jthread thread_;
};

}  // namespace alphorn::controller
