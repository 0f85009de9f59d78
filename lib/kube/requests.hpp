#pragma once

#include "http/transport.hpp"
#include "kube/client.hpp"

/// The API server's HTTP requests as values; nothing here sends or waits.
namespace alphorn::kube::requests {

http::Request get(const ObjectRef& object);

/// One page; `token` is the `continue` of the page before, or "" for the first.
http::Request list(const Kind& kind, const ListOptions& options, const std::string& token = {});

http::Request watch(const Kind& kind, const WatchOptions& options);

/// Where comes from the manifest's metadata. Throws std::invalid_argument without a name.
http::Request apply(const Kind& kind, const json& manifest, const ApplyOptions& options);
http::Request create(const Kind& kind, const json& manifest, DryRun dry_run);
http::Request replace(const Kind& kind, const json& manifest);
http::Request merge(const Kind& kind, const json& patch);

http::Request remove(const ObjectRef& object, const Preconditions& preconditions);

/// The event in one line of a watch of that kind, its object as `cutter` leaves it. Throws ApiError
/// for an ERROR event and std::runtime_error for what is no event at all.
WatchEvent watch_event(std::string_view line, const Cutter& cutter, const Kind& kind);

}  // namespace alphorn::kube::requests
