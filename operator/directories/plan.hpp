#pragma once

#include <optional>
#include <vector>

#include "directories/world.hpp"
#include "homeserver/plan.hpp"

namespace alphorn::directories {

/// What a pass does. Applied first, then deleted.
struct Plan {
  std::vector<json> apply;
  std::vector<homeserver::Delete> remove;
  std::optional<Obstacle> obstacle;  ///< why no run may begin, whether or not one is wanted
};

/// The steps from what is to what should be. Pure.
Plan make_plan(const World& world);

/// The document's own run has not ended yet: it is to begin, or is under way.
bool wants_run(const World& world);

/// The Jobs that are not over, by name.
std::vector<std::string> runs_under_way(const World& world);

/// What keeps the pod of a run from starting; "" when nothing does, or not yet. Stable while
/// nothing changes.
std::string hold_up_of(const World& world, const std::string& job);

/// The fingerprint whose own run is over, by the status or by the Job that just ended; "" for none.
std::string applied_document(const World& world);

/// The run that ended last, by the pods or by what the status remembers.
std::optional<LastRun> last_run(const World& world);

}  // namespace alphorn::directories
