#pragma once

#include <map>
#include <string>

#include "homeserver/plan.hpp"
#include "homeserver/world.hpp"

namespace alphorn::homeserver {

/// What went wrong while a component's steps were carried out, by component; in words without secrets.
using Failures = std::map<std::string, std::string>;

/// The status to write: a function of what was seen and done, and of `now` only for the moment at which
/// a condition flips. Pure; equal to the present status when nothing happened.
json summarize(const World& world, const Plan& plan, const Failures& failures, TimePoint now);

/// True when the tenant serves people: condition Ready of a status.
bool is_ready(const json& status);

/// True when something is amiss; false while all is well or merely under way. Of a status.
bool is_trouble(const json& status);

/// A condition's reason and message, for events: "" when there is no such condition.
struct Reported {
  std::string status;
  std::string reason;
  std::string message;
  bool operator==(const Reported&) const = default;
};
Reported reported(const json& status, const std::string& type);

}  // namespace alphorn::homeserver
