#pragma once

#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace alphorn::controller {

/// One thing worth telling about an object.
struct Happening {
  json regarding;  ///< the reference of an object: apiVersion, kind, namespace, name, uid
  bool warning = false;
  std::string reason;
  std::string action;
  std::string note;
};

/// Decides what of many happenings is written, as client-go does: repeats within ten minutes become
/// one event with a count; more than ten notes of one reason are told as one; more than 25 writes
/// about one object in a burst (then one per five minutes) are dropped, good news and warnings
/// counted apart. Remembers at most 4096 of each. No I/O; for one thread.
class EventSeries {
 public:
  EventSeries(std::string component, std::string instance);

  /// The Event to apply, or nothing when this happening is not to be written now.
  std::optional<json> next(Happening happening, TimePoint wall, Clock::Instant now);

 private:
  /// A map that forgets what was used least recently.
  template <typename Value>
  class Recent {
   public:
    Value& operator[](const std::string& key);

   private:
    std::list<std::string> order_;
    std::map<std::string, std::pair<Value, std::list<std::string>::iterator>> values_;
  };

  struct Told {
    std::string name;
    std::string first_time;
    int count = 0;
    Clock::Instant seen_at{};
    Clock::Instant written_at{};
  };
  struct Similar {
    std::set<std::string> notes;
    Clock::Instant since{};
  };
  struct Budget {
    double tokens = 25;
    Clock::Instant filled_at{};
  };

  static bool spend(Budget& budget, Clock::Instant now);
  bool are_too_many(const std::string& group, const std::string& note, Clock::Instant now);
  json manifest(const Happening& happening, const Told& told, TimePoint wall) const;

  std::string component_;
  std::string instance_;
  Recent<Told> told_;
  Recent<Similar> similar_;
  Recent<Budget> budgets_;
};

}  // namespace alphorn::controller
