#include "controller/lease.hpp"

#include <algorithm>

#include "kube/kind.hpp"

namespace alphorn::controller {

LeaseView::LeaseView(std::string ns, std::string name, std::string identity,
                     std::chrono::milliseconds duration)
    : ns_(std::move(ns)),
      name_(std::move(name)),
      identity_(std::move(identity)),
      duration_seconds_(static_cast<int>(
          std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(duration).count()))) {}

void LeaseView::observe(const json& lease, Clock::Instant now) {
  if (at_path(lease, "spec") != at_path(lease_, "spec")) changed_at_ = now;
  lease_ = lease;
}

std::string LeaseView::holder() const { return string_at(lease_, "spec/holderIdentity"); }

bool LeaseView::held_by_me() const { return holder() == identity_; }

bool LeaseView::may_take(Clock::Instant now) const {
  if (holder().empty() || held_by_me()) return true;
  const auto promised = integer_at(lease_, "spec/leaseDurationSeconds", duration_seconds_);
  return changed_at_ + std::chrono::seconds{promised} < now;
}

json LeaseView::spec(TimePoint now) const {
  return {{"holderIdentity", identity_},
          {"leaseDurationSeconds", duration_seconds_},
          {"acquireTime", format_micro_time(now)},
          {"renewTime", format_micro_time(now)},
          {"leaseTransitions", 0}};
}

json LeaseView::fresh(TimePoint now) const {
  return {{"apiVersion", kube::kinds::kLease.api_version()},
          {"kind", kube::kinds::kLease.name},
          {"metadata", {{"name", name_}, {"namespace", ns_}}},
          {"spec", spec(now)}};
}

json LeaseView::taken(TimePoint now) const {
  json lease = lease_;
  json mine = spec(now);
  const auto transitions = integer_at(lease_, "spec/leaseTransitions");
  if (held_by_me()) {
    mine["acquireTime"] = at_path(lease_, "spec/acquireTime");
    mine["leaseTransitions"] = transitions;
  } else {
    mine["leaseTransitions"] = transitions + 1;
  }
  lease["spec"] = std::move(mine);
  return lease;
}

json LeaseView::released(TimePoint now) const {
  json lease = lease_;
  lease["spec"]["holderIdentity"] = "";
  lease["spec"]["leaseDurationSeconds"] = 1;
  lease["spec"]["renewTime"] = format_micro_time(now);
  return lease;
}

}  // namespace alphorn::controller
