#pragma once

#include <map>
#include <string>

#include "base/json.hpp"
#include "plan/live.hpp"
#include "plan/plan.hpp"

namespace alphorn::plan {

/// The ledger as contents of state events, by state key: a person is always in the same part. Each
/// is {user id: "FINGERPRINT"} or {user id: "FINGERPRINT LEFT"}, LEFT in seconds of Unix time.
std::map<std::string, json> ledger_parts(const std::map<std::string, Charge>& ledger);

/// The people of one part. What is not of that form is left out.
std::map<std::string, Charge> ledger_of(const json& part);

/// Before the first account is made: who is new is in charge already, without a fingerprint, so
/// that a run that is killed leaves no account that nobody knows.
std::map<std::string, Charge> ledger_before(const Plan& plan, const Live& live);

/// After a run: who had a step that failed is remembered as before, and the next run tries again.
std::map<std::string, Charge> ledger_after(const Plan& plan, const Live& live,
                                           const Steps& failed);

}  // namespace alphorn::plan
