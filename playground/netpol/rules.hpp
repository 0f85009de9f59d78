#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace alphorn::netpol {

/// The table that holds everything; nothing else of the host's firewall is touched.
inline constexpr const char* kTable = "inet alphorn_netpol";

/// What rules are made of, as the API server holds it, each list ordered.
struct Objects {
  std::vector<json> pods;
  std::vector<json> namespaces;
  std::vector<json> policies;  ///< NetworkPolicies
};

/// An nft script that puts these policies in the place of what the table held, all at once. A pod
/// that a policy selects gets a chain for each direction that the policy speaks of; what no rule of
/// any policy allows is counted and dropped.
///
/// Packets are looked at where they are forwarded, or come in from a pod to the node: after a
/// Service's address gave way to a pod's. What the node itself sends passes, and so do
/// connections that stand already. IPv4 only; pods in the node's network have no address of their
/// own and are neither guarded nor known as peers.
std::string rules(const Objects& objects);

}  // namespace alphorn::netpol
