#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "homeserver/plan.hpp"

namespace alphorn::homeserver {

/// What a pass found as it should be, so that the next one need not work it out again: a component
/// whose objects and inputs are the same to the byte (their resource versions are) still is. Only a
/// hash of them is kept. Losing it costs time and nothing else. For one thread.
class Settled {
 public:
  /// True when the component was noted and nothing that its wishes depend on has changed since.
  bool holds(const std::string& component, const World& world, std::size_t inputs) const;
  /// What was noted besides: that it is ready, by its objects alone and with nothing to say.
  bool is_ready(const std::string& component) const;

  /// Notes that these wishes are all fulfilled.
  void note(const std::string& component, const std::vector<Wish>& wishes, bool ready,
            const World& world, std::size_t inputs);
  void forget(const std::string& component) { notes_.erase(component); }

  /// True when a component that was noted wishes for this object.
  bool wishes_for(const ChildId& id) const;

  /// A hash of everything but the tenant's own objects that wishes are made from.
  static std::size_t inputs_of(const World& world, TimePoint now);

 private:
  struct Note {
    std::size_t fingerprint = 0;
    bool ready = false;
    std::vector<std::size_t> objects;  ///< hashes of what was wished for
  };
  static std::size_t fingerprint_of(const Note& note, const World& world, std::size_t inputs);

  std::map<std::string, Note> notes_;
};

}  // namespace alphorn::homeserver
