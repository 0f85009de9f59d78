#include "homeserver/progress.hpp"

namespace alphorn::homeserver {

namespace {

// Soon enough for somebody who watches, and seldom enough to cost the API server next to nothing.
constexpr std::chrono::seconds kTellEvery{5};

}  // namespace

void Progress::note(const kube::Key& tenant, const std::string& change) {
  news_.with([&](auto& news) {
    std::string& changes = news[tenant].changes;
    changes += (changes.empty() ? "" : "; ") + change;
  });
}

std::chrono::milliseconds Progress::wait(const kube::Key& tenant) const {
  return news_.with([&](const auto& news) {
    const auto found = news.find(tenant);
    if (found == news.end() || !found->second.was_told) return std::chrono::milliseconds{0};
    const auto left = found->second.told_at + kTellEvery - clock_.now();
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(left),
                    std::chrono::milliseconds{0});
  });
}

std::string Progress::told(const kube::Key& tenant) {
  return news_.with([&](auto& news) {
    News& entry = news[tenant];
    entry.told_at = clock_.now();
    entry.was_told = true;
    return std::exchange(entry.changes, {});
  });
}

void Progress::forget(const kube::Key& tenant) {
  news_.with([&](auto& news) { news.erase(tenant); });
}

}  // namespace alphorn::homeserver
