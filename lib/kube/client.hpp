#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "http/transport.hpp"
#include "kube/errors.hpp"
#include "kube/kind.hpp"
#include "kube/raw_object.hpp"

namespace alphorn::kube {

/// Also the field manager of what is created without naming one.
inline constexpr const char* kUserAgent = "alphorn";

struct ListOptions {
  std::string ns = {};  ///< "" means all namespaces
  std::string label_selector = {};
  std::string field_selector = {};
  std::string resource_version = {};  ///< "" most recent; "0" whatever the server's cache holds
  int limit = 500;                    ///< page size; pages are followed to the end
  /// Only metadata is asked for and answered (PartialObjectMetadata).
  bool metadata_only = false;
};

struct ObjectList {
  std::vector<RawObject> items;
  std::string resource_version;
};

struct WatchOptions {
  std::string ns = {};
  std::string label_selector = {};
  std::string field_selector = {};
  std::string resource_version;
  std::chrono::seconds timeout{300};
  /// Longest silence on the wire before the connection counts as dead. The server sends a bookmark
  /// about every minute.
  std::chrono::seconds idle{180};
  bool metadata_only = false;
  /// A streaming list: first every object that there is, as ADDED, then a bookmark that
  /// is_end_of_list(), then what happens. With `resource_version` "" it begins with the most recent
  /// state, else with one not older. Servers before 1.32 refuse (400, 403 or 422).
  bool send_initial_events = false;
};

/// ADDED, MODIFIED, DELETED and BOOKMARK as the server sent them. An ERROR event is thrown as
/// ApiError.
struct WatchEvent {
  enum class Type { added, modified, deleted, bookmark };
  Type type;
  RawObject object;

  /// The bookmark that ends a streaming list.
  bool is_end_of_list() const;
};

enum class Force { no, yes };
enum class DryRun { no, yes };

struct ApplyOptions {
  std::string field_manager;
  Force force = Force::yes;
  DryRun dry_run = DryRun::no;
  std::string subresource = {};  ///< "status" for the status subresource
  /// An object that exists is a conflict, so that nothing of somebody else's is taken over. The
  /// manifest then carries a resource version that no object has, which the API server compares
  /// only with an object that is there (its registry's Store.Update). A server that compared it
  /// with nothing too would answer with a conflict, never with a change.
  bool only_create = false;
};

struct Preconditions {
  std::string uid = {};
  std::string resource_version = {};
};

/// Typed access to one API server. Every call may throw ApiError (the server refused) or
/// http::TransportError (no answer). Thread-safe; credentials are re-read as they change.
class Client {
 public:
  /// Adds the current credentials to a request's headers.
  using Authorize = std::function<void(http::Headers&)>;

  /// What the world outside gives a client; tests give their own.
  struct Environment {
    /// Called when the server answered 401: credentials that were kept must be read again.
    std::function<void()> unauthorized = {};
    /// Waits that long or until stop is requested. Empty: really waits.
    std::function<void(std::chrono::milliseconds, const std::stop_token&)> wait = {};
    /// Asked right before each attempt to write; on false the write fails with Kind::stopped and is
    /// not sent. Empty: writes are always allowed.
    std::function<bool()> may_write = {};
  };

  Client(std::shared_ptr<http::Transport> transport, Authorize authorize = {});
  Client(std::shared_ptr<http::Transport> transport, Authorize authorize, Environment environment);

  /// The same way to the same server, but for writes: see Environment::may_write.
  std::shared_ptr<Client> guarded(std::function<bool()> may_write) const;

  /// The same way to the same server with at most that many requests under way, watches apart.
  std::shared_ptr<Client> limited(int most) const;

  /// The object, or nothing when it does not exist.
  std::optional<json> get(const ObjectRef& object, std::stop_token stop = {}) const;

  /// All pages of a list, or none: a page that expired restarts the list once as a whole. Of every
  /// object `cutter` leaves out what it was made for; the objects' kind is filled in.
  ObjectList list(const Kind& kind, const ListOptions& options, std::stop_token stop = {},
                  const Cutter& cutter = Cutter{}) const;

  /// Blocks and hands over each event until the server ends the watch or stop is requested.
  void watch(const Kind& kind, const WatchOptions& options,
             const std::function<void(WatchEvent)>& on_event, std::stop_token stop,
             const Cutter& cutter = Cutter{}) const;

  /// Server-side apply of a manifest (its apiVersion, kind and metadata say where). Returns the
  /// object.
  RawObject apply(const Kind& kind, const json& manifest, const ApplyOptions& options,
                  std::stop_token stop = {}) const;

  /// Fails with already_exists() when it is there.
  RawObject create(const Kind& kind, const json& manifest, DryRun dry_run = DryRun::no,
                   std::stop_token stop = {}) const;

  /// Full replacement; the manifest's resourceVersion, when given, is the precondition.
  RawObject replace(const Kind& kind, const json& manifest, std::stop_token stop = {}) const;

  /// A JSON merge patch: what is null in it is taken away, whoever owns it. The uid and the
  /// resource version in its metadata, when given, are preconditions.
  RawObject merge(const Kind& kind, const json& patch, std::stop_token stop = {}) const;

  /// Background deletion. Absence is success.
  void remove(const ObjectRef& object, const Preconditions& preconditions,
              std::stop_token stop = {}) const;

 private:
  /// Sends with credentials; waits and retries where the server asks for it. Any status may return.
  http::Response send(http::Request request, std::stop_token stop) const;
  void authorize(http::Request& request) const;

  std::shared_ptr<http::Transport> transport_;
  Authorize authorize_;
  Environment environment_;
};

/// A client from the pod's service account (/var/run/secrets/kubernetes.io/serviceaccount and
/// KUBERNETES_SERVICE_HOST/PORT). Throws std::runtime_error when not in a cluster.
std::shared_ptr<Client> in_cluster_client();

/// A client from a kubeconfig file's current context, or the one named. Certificates are followed
/// as the file, or the files it names, change.
/// Throws std::runtime_error that names the file and the field at fault.
std::shared_ptr<Client> kubeconfig_client(const std::string& path, const std::string& context = {});

/// A client from the files that the environment's KUBECONFIG lists, read as one; without it
/// in_cluster_client(). Throws as those do.
std::shared_ptr<Client> default_client();

}  // namespace alphorn::kube
