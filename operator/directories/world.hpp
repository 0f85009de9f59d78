#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/company_directory.hpp"
#include "base/clock.hpp"
#include "homeserver/world.hpp"
#include "manifests/directory.hpp"

/// Brings homeservers to what their CompanyDirectories say, by Jobs that run the provisioner.
namespace alphorn::directories {

/// What is in the way of a run, in words for kubectl.
struct Obstacle {
  std::string reason;  ///< CamelCase, stable
  std::string message;
  /// Nothing that ends by itself: somebody has to change something.
  bool is_for_people = false;
  bool operator==(const Obstacle&) const = default;
};

/// What a run came to: how its container ended, read from the container's last words.
struct LastRun {
  std::string job;
  std::string document;           ///< the fingerprint of what it applied
  std::string finished_at;        ///< as Kubernetes wrote it
  json summary = json::object();  ///< see provisioner/commands/summary.hpp
};

/// Everything a pass may decide on, seen at one moment. Plain data.
struct World {
  api::CompanyDirectory resource;
  TimePoint seen_at;
  /// The homeserver; nothing while there is none that could be brought to anything.
  std::optional<manifests::Tenant> tenant;
  bool homeserver_is_ready = false;
  std::string homeserver_says;  ///< the message of its condition Ready
  std::string web_address;      ///< of its web client; "" when it has none
  std::string elder;  ///< an older directory of the same homeserver; "" when there is none
  /// The policy over the runs' pods is in force, or none is wanted.
  bool network_is_ready = false;
  /// What the runs apply; nothing when the document is not there.
  std::optional<manifests::Directory> directory;
  std::optional<Obstacle> document_problem;
  std::map<homeserver::ChildId, homeserver::ObjectPtr> children;  ///< by the directory's label
  std::vector<homeserver::ObjectPtr> pods;

  const json* child(const std::string& kind, const std::string& name) const;
};

/// The document of a resource, rendered or copied, and what is wrong with it. `source` is the
/// Secret or ConfigMap that the resource names; nothing when it names none or it is not there.
void read_document(World& world, const std::optional<json>& source, const std::string& image);

}  // namespace alphorn::directories
