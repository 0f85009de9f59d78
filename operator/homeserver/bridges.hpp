#pragma once

#include <map>
#include <optional>
#include <string>

#include "homeserver/components.hpp"

/// Bridges to other networks as they are seen. All are pure.
namespace alphorn::homeserver {

Readiness bridges_ready(const World& world);
std::vector<std::string> bridge_workloads(const manifests::Tenant& tenant);

/// What manifests depend on: the Secrets of bridges.
void observe_bridges(World& world);

/// The child is the workload of a bridge that is wanted no more. It must go before the homeserver
/// forgets the bridge: what it is about to say would be refused, and lost. It is read only when its
/// name may be that of one.
bool is_leaving_bridge(const World& world, const ChildId& id, const ObjectPtr& object);

/// Why the homeserver must wait: such a bridge is not gone yet. Nothing when it may go on.
std::optional<Readiness> obstacle_of_bridges(const World& world);

/// These keys are a bridge's.
bool is_of_bridge(const World& world, const std::string& secret_name);

/// Keys by this name may be drawn although the company's data is in use: no homeserver that ran has
/// known the bridge by others.
bool is_new_to_homeserver(const World& world, const std::string& secret_name);

/// status.bridges; empty without any. `is_registered`: the homeserver that runs knows those that
/// are wanted.
json bridges_status(const World& world, bool is_registered);

/// How many people were logged in by each bridge when it was last asked, which is not often. For
/// one thread.
class KnownLogins {
 public:
  /// It runs, keeps logins, and was not asked for some time.
  bool is_due(const World& world, const api::Bridge& bridge) const;
  /// What it said; without an answer the former one stays.
  void note(const World& world, const api::Bridge& bridge, std::optional<int> people);
  /// Nothing when no answer ever came.
  std::optional<int> of(const api::Bridge& bridge) const;

 private:
  struct Asked {
    std::string keys;
    TimePoint again_at{};
    std::optional<int> people;
  };
  std::map<std::string, Asked> asked_;
};

/// Bridges whose network has ended, and what to do instead; "" when there is none.
std::string retired_bridges(const World& world);

}  // namespace alphorn::homeserver
