#pragma once

#include <stop_token>
#include <string>

/// Whether media of calls get to where clients are told to send them.
namespace alphorn::homeserver {

/// Asks the STUN server there by UDP for our own address (RFC 8489). "" when it answers; else what
/// is wrong, in words that stay the same from try to try.
std::string ask_stun(const std::string& address, int port, std::stop_token stop);

/// The same of a TCP connection.
std::string try_to_connect(const std::string& address, int port, std::stop_token stop);

}  // namespace alphorn::homeserver
