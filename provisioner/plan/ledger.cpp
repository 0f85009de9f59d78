#include "plan/ledger.hpp"

#include <charconv>
#include <type_traits>
#include <variant>

#include "base/encoding.hpp"

namespace alphorn::plan {
namespace {

constexpr const char* kNewcomers = "new-";
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
  for (const auto& [user, charge] : ledger) {
    std::string text = charge.fingerprint;
    if (charge.left_s > 0) text += " " + std::to_string(charge.left_s);
    // A hexadecimal digit: sixteen parts, each well below the 64 KiB of an event.
    parts[sha256_hex(user).substr(0, 1)][user] = std::move(text);
  }
  return parts;
}

std::map<std::string, json> newcomers(const Plan& plan, const Live& live) {
  std::map<std::string, json> parts;
  std::size_t count = 0;
  for (const auto& [user, charge] : plan.ledger) {
    if (live.ledger.contains(user)) continue;
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

std::map<std::string, json> ledger_changes(const std::map<std::string, json>& present,
                                           const std::map<std::string, Charge>& ledger) {
  std::map<std::string, json> changes = ledger_parts(ledger);
  // A part may have lost its last person.
  for (const auto& [key, part] : present) changes.try_emplace(key, json::object());
  std::erase_if(changes, [&](const auto& entry) {
    const auto found = present.find(entry.first);
    return found == present.end() ? entry.second.empty() : found->second == entry.second;
  });
  return changes;
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
