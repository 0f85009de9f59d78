#pragma once

#include <string>

#include "base/json.hpp"
#include "plan/plan.hpp"

namespace alphorn::plan {

enum class Colour { no, yes };

/// For a person to review: a line for each step with "+", "~" or "-", below it the fields that
/// differ, then the notes and a summary. Ends with a line break.
std::string as_text(const Plan& plan, Colour colour);

/// The same as a table for a merge request or a ticket.
std::string as_markdown(const Plan& plan);

/// {"steps": [{"action", "object", "room"?, "changes"}], "summary": {...}, "notes", "refusals"?}
json as_json(const Plan& plan);

/// Numbers of steps by action: {"createAccount": 12, ...}; actions without steps are left out.
json summary(const Plan& plan);

}  // namespace alphorn::plan
