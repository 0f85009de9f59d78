#pragma once

#include <stop_token>

#include "base/json.hpp"
#include "http/transport.hpp"

namespace alphorn::matrix {

/// Sends a request, with a JSON body if any, and returns the JSON of a 2xx answer, null for one
/// that has no content. Throws ApiError for any other answer (also for one that is not JSON) and
/// http::TransportError for none. A body of another kind names it in its headers.
json exchange(http::Transport& transport, http::Request request, std::stop_token stop);

}  // namespace alphorn::matrix
