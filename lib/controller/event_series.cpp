#include "controller/event_series.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "kube/kind.hpp"

namespace alphorn::controller {
namespace {

using std::chrono::duration;
using std::chrono::seconds;

constexpr std::size_t kRemembered = 4096;
constexpr seconds kSeriesEnds{600};
constexpr seconds kWriteSeriesAgainAfter{60};
constexpr std::size_t kMostNotes = 10;
constexpr double kBurst = 25;
constexpr double kSecondsPerToken = 300;
constexpr std::size_t kLongestNote = 1024;
constexpr std::size_t kLongestNamePart = 200;

bool is_power_of_two(int count) { return (count & (count - 1)) == 0; }

}  // namespace

template <typename Value>
Value& EventSeries::Recent<Value>::operator[](const std::string& key) {
  if (const auto found = values_.find(key); found != values_.end()) {
    order_.splice(order_.begin(), order_, found->second.second);
    return found->second.first;
  }
  if (values_.size() >= kRemembered) {
    values_.erase(order_.back());
    order_.pop_back();
  }
  order_.push_front(key);
  return values_.emplace(key, std::pair{Value{}, order_.begin()}).first->second.first;
}

EventSeries::EventSeries(std::string component, std::string instance)
    : component_(std::move(component)), instance_(std::move(instance)) {}

bool EventSeries::spend(Budget& budget, Clock::Instant now) {
  if (budget.filled_at != Clock::Instant{}) {
    const double passed = duration<double>(now - budget.filled_at).count();
    budget.tokens = std::min(kBurst, budget.tokens + passed / kSecondsPerToken);
  }
  budget.filled_at = now;
  if (budget.tokens < 1) return false;
  budget.tokens -= 1;
  return true;
}

bool EventSeries::are_too_many(const std::string& group, const std::string& note,
                               Clock::Instant now) {
  Similar& similar = similar_[group];
  if (now - similar.since > kSeriesEnds) similar = {.notes = {}, .since = now};
  if (similar.notes.size() <= kMostNotes) similar.notes.insert(note);
  return similar.notes.size() > kMostNotes;
}

std::optional<json> EventSeries::next(Happening happening, TimePoint wall, Clock::Instant now) {
  happening.note = shortened(std::move(happening.note), kLongestNote);
  const std::string object = happening.regarding.dump();
  std::string key =
      object + (happening.warning ? "!" : ".") + happening.reason + "/" + happening.action;
  if (are_too_many(key, happening.note, now)) {
    happening.note = shortened("(one of many such events) " + happening.note, kLongestNote);
  } else {
    key += "/" + happening.note;
  }

  Told& told = told_[key];
  const bool repeats = told.count > 0 && now - told.seen_at <= kSeriesEnds;
  if (!repeats) {
    told = {};
    told.first_time = format_micro_time(wall);
    told.name = shortened(string_at(happening.regarding, "name"), kLongestNamePart) + "." +
                sha256_hex(key + told.first_time).substr(0, 16);
  }
  ++told.count;
  told.seen_at = now;
  const bool worth_it =
      !repeats || is_power_of_two(told.count) || now - told.written_at >= kWriteSeriesAgainAfter;
  // Good news must not use up what a warning needs to be heard.
  const std::string budget = object + (happening.warning ? "!" : ".");
  if (!worth_it || !spend(budgets_[budget], now)) return std::nullopt;
  told.written_at = now;
  return manifest(happening, told, wall);
}

json EventSeries::manifest(const Happening& happening, const Told& told, TimePoint wall) const {
  const std::string ns = string_at(happening.regarding, "namespace");
  json event = {{"apiVersion", kube::kinds::kEvent.api_version()},
                {"kind", kube::kinds::kEvent.name},
                {"metadata", {{"name", told.name}, {"namespace", ns.empty() ? "default" : ns}}},
                {"eventTime", told.first_time},
                {"type", happening.warning ? "Warning" : "Normal"},
                {"reason", happening.reason},
                {"action", happening.action},
                {"note", happening.note},
                {"regarding", happening.regarding},
                {"reportingController", component_},
                {"reportingInstance", instance_}};
  if (told.count > 1) {
    event["series"] = {{"count", told.count}, {"lastObservedTime", format_micro_time(wall)}};
  }
  return event;
}

}  // namespace alphorn::controller
