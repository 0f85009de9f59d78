#pragma once

#include <map>
#include <string>

#include "homeserver/plan.hpp"
#include "homeserver/world.hpp"

namespace alphorn::homeserver {

/// What went wrong while a component's steps were carried out, in words without secrets.
struct Failure {
  std::string reason;  ///< "Failed", or a reason of its own ("KeysLost")
  std::string message;
};
using Failures = std::map<std::string, Failure>;  // by component

/// The status to write: a function of what was seen and done, and of `now` only for the moment at
/// which a condition flips. Pure; equal to the present status when nothing happened.
json summarize(const World& world, const Plan& plan, const Failures& failures, TimePoint now);

/// What failed, in one line.
std::string joined(const Failures& failures);

/// The status of a tenant that is deleted and whose data goes with it: what it still waits for.
json summarize_erasure(const World& world, const std::string& waits_for, const Failures& failures,
                       TimePoint now);

/// True when `status` says something that `before` does not. Conditions of types that are not ours
/// are somebody else's and do not count.
bool status_differs(const json& status, const json& before);

/// True when both tell of the same wish being fulfilled, neither ready nor in trouble: news that
/// can wait a little.
bool is_progress(const json& status, const json& before);

/// True when the tenant serves people: condition Ready of a status.
bool is_ready(const json& status);

/// True when nothing of the tenant runs, as it was asked for. Of a status.
bool is_hibernated(const json& status);

/// True when all is well and nobody gets in, as it was asked for. Of a status.
bool is_fenced(const json& status);

/// True when something is amiss; false while all is well or merely under way. Of a status.
bool is_trouble(const json& status);

/// A condition's reason and message, for events: "" when there is no such condition.
struct Reported {
  std::string status;
  std::string reason;
  std::string message;
  std::string since;  ///< when its status last flipped
  bool operator==(const Reported&) const = default;
};
Reported reported(const json& status, const std::string& type);

}  // namespace alphorn::homeserver
