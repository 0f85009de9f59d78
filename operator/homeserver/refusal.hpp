#pragma once

#include <optional>
#include <string>

#include "homeserver/components.hpp"

/// What the API server said when it refused to make something. Pure.
namespace alphorn::homeserver {

/// A quota that the text names, as a reason of its own: "QuotaExceeded", else `otherwise`.
std::string refusal_reason(const std::string& text, const std::string& otherwise);

/// Why a workload gets no pod, although it should have one: of a Deployment its own condition
/// tells, of a StatefulSet only an event (World::refusals). Nothing when nobody refuses.
std::optional<Readiness> pod_refusal(const World& world, const std::string& kind,
                                     const std::string& name);

/// StatefulSets whose pod should be there for some seconds and is not: worth asking for their
/// events.
bool lacks_its_pod(const World& world, const json& stateful_set);

/// Of a StatefulSet's events (events.k8s.io): what the last one said, when it was a refusal; ""
/// else.
std::string last_refusal(const std::vector<json>& events);

}  // namespace alphorn::homeserver
