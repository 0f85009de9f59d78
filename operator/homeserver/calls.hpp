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

/// A declared address that does not lead back into the cluster is tried in vain at each pass, and a
/// worker waits: what came of it holds for a while. Other answers are asked for again each time.
/// For one thread.
class KnownMedia {
 public:
  /// Nothing when it is to be asked for: it was not, long ago, or of other addresses or another
  /// generation of what is wanted.
  std::optional<MediaAnswer> answer_to(const World& world) const;
  void note(const World& world, const MediaAnswer& answer);

 private:
  std::string question_;
  TimePoint until_{};
  MediaAnswer answer_;
};

/// They were asked for, whether there are images for them or not.
bool wants_calls(const manifests::Tenant& tenant);
std::vector<std::string> calls_workloads(const manifests::Tenant& tenant);

/// Where media come in, as far as it is known, for whoever keeps the firewall.
json calls_status(const World& world);

Readiness calls_ready(const World& world);

}  // namespace alphorn::homeserver
