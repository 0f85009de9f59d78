#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "plan/live.hpp"
#include "plan/plan.hpp"

namespace alphorn::plan {

/// The ledger as contents of state events, by state key: one for a small company, otherwise
/// sixteen, and a person is always in the same of them. Each is {user id: "FINGERPRINT"} or {user
/// id: "FINGERPRINT LEFT"}, LEFT in seconds of Unix time.
std::map<std::string, json> ledger_parts(const std::map<std::string, Charge>& ledger);

/// Parts to be written before the first account is made: who is new is in charge by then, without a
/// fingerprint, so that a run that is killed leaves no account that nobody knows. Few events, for
/// every one costs the run time: a small company's only part, or further parts that are emptied
/// after the run.
std::map<std::string, json> newcomers(const Plan& plan, const Live& live);

/// The ledger as it is, with those who are about to be locked.
std::map<std::string, Charge> ledger_before(const Plan& plan, const Live& live);

/// The people of all parts, a newcomer's last. What is not of that form is left out.
std::map<std::string, Charge> ledger_of(const std::map<std::string, json>& parts);

/// After a run: who had a step that failed is remembered as before, and the next run tries again.
std::map<std::string, Charge> ledger_after(const Plan& plan, const Live& live, const Steps& failed);

/// What is to be written, in that order, so that `present` becomes that ledger and nothing else.
std::vector<std::pair<std::string, json>> ledger_changes(
    const std::map<std::string, json>& present, const std::map<std::string, Charge>& ledger);

}  // namespace alphorn::plan
