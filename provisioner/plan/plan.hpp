#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "directory/directory.hpp"
#include "plan/live.hpp"
#include "plan/step.hpp"

namespace alphorn::plan {

/// Why a plan must not be carried out.
struct Refusal {
  enum class Why { impossible, too_many_leavers, of_another_document };
  Why why = Why::impossible;  ///< a person may say that the other two are meant
  std::string text;           ///< with the remedy
  int leavers = 0;            ///< how many, where they are too many
};

/// What would bring a server to a directory.
struct Plan {
  Steps steps;
  /// Who is in charge afterwards; to be written when it differs from what is there.
  std::map<std::string, Charge> ledger;
  bool ledger_changes = false;
  /// What a person should know and the plan does not do: accounts locked by hand, rooms that the
  /// document no longer names, encryption that cannot be undone.
  std::vector<std::string> notes;
  std::vector<Refusal> refusals;

  bool empty() const { return steps.empty() && !ledger_changes; }
};

/// Pure. Accounts that the ledger does not name and the document does not either are nobody's
/// business: they are never locked and never kicked.
Plan make_plan(const directory::Directory& directory, const Live& live, std::int64_t now_s);

/// What the account list does not show of a person, as the ledger keeps it.
std::string fingerprint_of(const directory::Person& person);

}  // namespace alphorn::plan
