#pragma once

#include <functional>
#include <vector>

namespace alphorn::apply {

/// Work that must be done in order: what one room takes one at a time.
using Lane = std::vector<std::function<void()>>;

/// The locator key of the room that is the directory's memory. No room of a document may have it.
inline constexpr const char* kLedgerKey = "alphorn-directory";

/// Does all lanes, `threads` at a time, longest first: the longest is what the end waits for. The
/// first exception ends the rest and reaches the caller once the threads have ended.
void run(std::vector<Lane> lanes, int threads);

}  // namespace alphorn::apply
