#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "homeserver/plan.hpp"

namespace alphorn::homeserver {

/// What a pass found as it should be, so that the next one need not work it out again: a component
/// whose objects and inputs are the same to the byte (their resource versions are, as long as
/// nobody puts an older etcd in place under a running operator) still is, and so is one whose
/// inputs changed without changing what it wishes for. Only hashes of them are kept. Losing it
/// costs time and nothing else. For one thread.
class Settled {
 public:
  /// What is not the tenant's own objects.
  struct Inputs {
    std::size_t of_wishes = 0;      ///< everything that wishes are made from
    std::size_t of_comparison = 0;  ///< what decides besides whether a wish is fulfilled
  };
  static Inputs inputs_of(const World& world, TimePoint now);

  /// What a component wishes for, in short.
  struct Wishes {
    std::size_t hash = 0;
    std::vector<std::size_t> objects;  ///< hashes of the names of what is wished for
    /// Every wish makes an object, by which it can be known again.
    bool are_knowable = true;
  };
  static Wishes wishes_of(const std::vector<Wish>& wishes);

  /// True when the component was noted and nothing that its wishes depend on has changed since.
  bool holds(const std::string& component, const World& world, const Inputs& inputs) const;
  /// True when the component was noted with the same wishes and its objects have not changed since.
  bool holds(const std::string& component, const Wishes& wishes, const World& world,
             const Inputs& inputs) const;
  /// What was noted besides: that it is ready, by its objects alone and with nothing to say.
  bool is_ready(const std::string& component) const;

  /// Notes that these wishes are all fulfilled.
  void note(const std::string& component, Wishes wishes, bool ready, const World& world,
            const Inputs& inputs);
  void forget(const std::string& component) { notes_.erase(component); }

  /// True when a component that was noted wishes for this object.
  bool wishes_for(const ChildId& id) const;

 private:
  struct Note {
    std::size_t inputs = 0;
    Wishes wishes;
    std::size_t found = 0;  ///< the objects as they were, and Inputs::of_comparison
    bool ready = false;
  };
  static std::size_t found_by(const Note& note, const World& world, const Inputs& inputs);

  std::map<std::string, Note> notes_;
};

}  // namespace alphorn::homeserver
