#pragma once

#include <optional>
#include <string>
#include <vector>

#include "homeserver/components.hpp"

/// Voice and video calls: how their media come in, as it was seen, and whether they do.
namespace alphorn::homeserver {

/// Fills tenant.calls from the objects and pods that are there. A stopped program's address stays
/// what it was found to be.
void observe_calls(World& world);

/// Its programs run and can be reached by those who are to: worth trying the ways to them.
bool calls_are_rolled_out(const World& world);

/// They were asked for, whether there are images for them or not.
bool wants_calls(const manifests::Tenant& tenant);
std::vector<std::string> calls_workloads(const manifests::Tenant& tenant);

/// Where media come in, as far as it is known, for whoever keeps the firewall.
json calls_status(const World& world);

Readiness calls_ready(const World& world);

}  // namespace alphorn::homeserver
