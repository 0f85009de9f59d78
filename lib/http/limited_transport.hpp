#pragma once

#include <memory>

#include "http/transport.hpp"

namespace alphorn::http {

/// The same way to the same server with at most that many `send`s under way at a time; who comes
/// later waits, and a request to stop ends the wait with Kind::stopped. Streams are not counted:
/// they stay open and cost the server little. Thread-safe.
std::shared_ptr<Transport> limited(std::shared_ptr<Transport> transport, int most);

}  // namespace alphorn::http
