#pragma once

#include "apply/context.hpp"

namespace alphorn::apply {

/// Accounts that are to be there: made, with a sealed password where one is due, or changed. An
/// account that is there by now although the plan did not know it keeps its password.
void bring_accounts(const Context& context, const plan::Steps& steps,
                    const directory::Directory& directory, Journal& journal, const Seal& seal);

/// Accounts of leavers: locked (sessions end at once), deactivated, or erased, which is noted
/// beside the journal.
void retire(const Context& context, const plan::Steps& steps, Journal& journal);

}  // namespace alphorn::apply
