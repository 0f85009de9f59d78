#pragma once

#include <string>

#include "homeserver/cache.hpp"

/// How far all companies together are with the operator's authority; see
/// certificates/authority.hpp.
namespace alphorn::homeserver {

/// The first company whose clients are not told yet that this certificate is to be trusted, or
/// whose homeserver does not trust it; "" when there is none. Those that do not run, or are in
/// trouble, hold nobody up: they trust it when they come back.
std::string who_distrusts(const Cache& cache, const std::string& pem);

/// The first company that still shows, or may show, a certificate that one of these signed.
std::string who_shows(const Cache& cache, const std::string& pem);

/// PEM of all authorities that companies' clients are told to trust.
std::string published_authorities(const Cache& cache);

}  // namespace alphorn::homeserver
