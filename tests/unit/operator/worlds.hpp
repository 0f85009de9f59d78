#pragma once

#include <string>

#include "homeserver/plan.hpp"
#include "homeserver/readiness.hpp"
#include "homeserver/status.hpp"
#include "homeserver/world.hpp"

/// Worlds to plan on, made by carrying plans out in memory: what a cluster in good health would
/// show.
namespace alphorn::homeserver::test {

inline const TimePoint kNow = *parse_time("2026-11-23T12:00:00Z");

inline constexpr std::chrono::seconds kFormerLoginStays{180};

/// A tenant that asks for the least, with nothing in the cluster yet.
World a_new_tenant();

/// Carries out one step as a healthy cluster would: workloads roll out at once, servers answer.
void carry_out(const Step& step, World& world);

/// Passes until a pass has nothing to do; returns how many passes did something.
int converge(World& world, TimePoint now = kNow);

/// A tenant that serves.
World a_running_tenant();

Plan plan_of(const World& world, TimePoint now = kNow);
Readiness readiness_of(const Plan& plan, const std::string& component);

/// Replaces a child by a changed copy.
void change(World& world, const std::string& kind, const std::string& name,
            const std::function<void(json&)>& edit);

}  // namespace alphorn::homeserver::test
