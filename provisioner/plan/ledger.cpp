#include "plan/ledger.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <variant>

#include "base/encoding.hpp"

namespace alphorn::plan {
namespace {

constexpr const char* kNewcomers = "new-";
/// The only part of a small company's, for each is an event that costs its first run time.
constexpr const char* kWhole = "all";
constexpr std::size_t kMostInOne = 32UL * 1024;
/// A user id has 255 bytes at most, and an event 64 KiB; most have less than 60.
constexpr std::size_t kMostInPart = 200;

bool is_of_newcomers(const std::string& key) { return key.starts_with(kNewcomers); }

Charge charge_of(const std::string& text) {
  const std::size_t blank = text.find(' ');
  Charge charge{.fingerprint = text.substr(0, blank)};
  if (blank != std::string::npos) {
    std::from_chars(text.data() + blank + 1, text.data() + text.size(), charge.left_s);
  }
  return charge;
}

}  // namespace

std::map<std::string, json> ledger_parts(const std::map<std::string, Charge>& ledger) {
  std::map<std::string, json> parts;
  std::size_t bytes = 0;
  for (const auto& [user, charge] : ledger) {
    std::string text = charge.fingerprint;
    if (charge.left_s > 0) text += " " + std::to_string(charge.left_s);
    bytes += user.size() + text.size();
    // A hexadecimal digit: sixteen parts, each well below the 64 KiB of an event.
    parts[sha256_hex(user).substr(0, 1)][user] = std::move(text);
  }
  if (bytes > kMostInOne) return parts;
  std::map<std::string, json> one;
  for (const auto& [key, part] : parts) one[kWhole].update(part);
  return one;
}

std::map<std::string, Charge> ledger_before(const Plan& plan, const Live& live) {
  std::map<std::string, Charge> ledger = live.ledger;
  for (const Step& step : plan.steps) {
    const auto* lock = std::get_if<LockAccount>(&step);
    if (lock != nullptr) ledger[lock->user_id].left_s = plan.ledger.at(lock->user_id).left_s;
  }
  return ledger;
}

std::map<std::string, json> newcomers(const Plan& plan, const Live& live) {
  std::map<std::string, Charge> everybody = ledger_before(plan, live);
  for (const auto& [user, charge] : plan.ledger) everybody.try_emplace(user);
  std::map<std::string, json> parts = ledger_parts(everybody);
  if (parts.contains(kWhole)) return parts;
  parts.clear();
  std::size_t count = 0;
  // Newcomers of a run that was killed are not filed yet, and are written once more.
  std::map<std::string, json> filed = live.ledger_parts;
  std::erase_if(filed, [](const auto& entry) { return is_of_newcomers(entry.first); });
  const std::map<std::string, Charge> known = ledger_of(filed);
  for (const auto& [user, charge] : plan.ledger) {
    if (known.contains(user)) continue;
    parts[kNewcomers + std::to_string(count++ / kMostInPart)][user] = "";
  }
  return parts;
}

std::map<std::string, Charge> ledger_of(const std::map<std::string, json>& parts) {
  std::map<std::string, Charge> people;
  const auto read = [&](bool of_newcomers) {
    for (const auto& [key, part] : parts) {
      if (is_of_newcomers(key) != of_newcomers) continue;
      for (const auto& [user, value] : part.items()) {
        if (value.is_string()) people.try_emplace(user, charge_of(value.get<std::string>()));
      }
    }
  };
  read(/*of_newcomers=*/false);
  read(/*of_newcomers=*/true);
  return people;
}

std::vector<std::pair<std::string, json>> ledger_changes(
    const std::map<std::string, json>& present, const std::map<std::string, Charge>& ledger) {
  std::map<std::string, json> changes = ledger_parts(ledger);
  // A part may have lost its last person.
  for (const auto& [key, part] : present) changes.try_emplace(key, json::object());
  std::erase_if(changes, [&](const auto& entry) {
    const auto found = present.find(entry.first);
    return found == present.end() ? entry.second.empty() : found->second == entry.second;
  });
  std::vector<std::pair<std::string, json>> in_order(changes.begin(), changes.end());
  // A run that is killed leaves somebody twice rather than nowhere.
  std::stable_partition(in_order.begin(), in_order.end(),
                        [](const auto& entry) { return !entry.second.empty(); });
  return in_order;
}

std::map<std::string, Charge> ledger_after(const Plan& plan, const Live& live,
                                           const Steps& failed) {
  std::map<std::string, Charge> ledger = plan.ledger;
  for (const Step& step : failed) {
    const std::string user = std::visit(
        [&](const auto& one) -> std::string {
          using Kind = std::decay_t<decltype(one)>;
          if constexpr (std::is_same_v<Kind, CreateAccount> ||
                        std::is_same_v<Kind, ChangeAccount>) {
            return one.person.user_id;
          } else if constexpr (std::is_same_v<Kind, LockAccount>) {
            return one.user_id;
          } else if constexpr (std::is_same_v<Kind, Kick>) {
            // Of another server: the plan forgets who is in no room any more.
            return plan.ledger.contains(one.user_id) ? "" : one.user_id;
          } else {
            return "";
          }
        },
        step);
    if (user.empty()) continue;
    const auto before = live.ledger.find(user);
    ledger[user] = before == live.ledger.end() ? Charge{} : before->second;
  }
  return ledger;
}

}  // namespace alphorn::plan
