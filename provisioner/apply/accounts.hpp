#pragma once

#include <functional>

#include "apply/context.hpp"

namespace alphorn::apply {

/// Accounts that are to be there: made, with a sealed password where one is due, or changed. While
/// some are being made the passwords of the next are sealed, by one thread, part by part. Those
/// whose passwords are sealed get their accounts, also when sealing fails. None is made before
/// `announce` has returned; it is called from another thread, once, if any is to be made. An
/// account that is there by now although the plan did not know it keeps its password.
void bring_accounts(const Context& context, const plan::Steps& steps,
                    const directory::Directory& directory, Journal& journal, const Seal& seal,
                    const std::function<void()>& announce);

/// Accounts of leavers: locked (sessions end at once), deactivated, or erased, which is noted
/// beside the journal.
void retire(const Context& context, const plan::Steps& steps, Journal& journal);

}  // namespace alphorn::apply
