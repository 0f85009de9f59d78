#pragma once

#include <string>

#include "directories/plan.hpp"

namespace alphorn::directories {

/// The status to write: a function of what was seen and planned, and of the time only for the
/// moment at which a condition flips. `failure` is what the pass could not do; "" when all went
/// well. Pure; equal to the present status when nothing happened.
json summarize(const World& world, const Plan& plan, const std::string& failure);

}  // namespace alphorn::directories
