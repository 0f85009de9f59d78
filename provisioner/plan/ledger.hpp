#pragma once

#include <map>
#include <string>

#include "base/json.hpp"
#include "plan/live.hpp"

namespace alphorn::plan {

/// The ledger as contents of state events, by state key: a person is always in the same part. Each
/// is {user id: "FINGERPRINT"} or {user id: "FINGERPRINT LEFT"}, LEFT in seconds of Unix time.
std::map<std::string, json> ledger_parts(const std::map<std::string, Charge>& ledger);

/// The people of one part. What is not of that form is left out.
std::map<std::string, Charge> ledger_of(const json& part);

}  // namespace alphorn::plan
