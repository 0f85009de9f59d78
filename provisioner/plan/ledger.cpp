#include "plan/ledger.hpp"

#include <charconv>
#include <type_traits>
#include <variant>

#include "base/encoding.hpp"

namespace alphorn::plan {

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

std::map<std::string, Charge> ledger_of(const json& part) {
  std::map<std::string, Charge> people;
  for (const auto& [user, value] : part.items()) {
    if (!value.is_string()) continue;
    const auto& text = value.get_ref<const std::string&>();
    const std::size_t blank = text.find(' ');
    Charge charge{.fingerprint = text.substr(0, blank)};
    if (blank != std::string::npos) {
      std::from_chars(text.data() + blank + 1, text.data() + text.size(), charge.left_s);
    }
    people[user] = std::move(charge);
  }
  return people;
}

std::map<std::string, Charge> ledger_before(const Plan& plan, const Live& live) {
  std::map<std::string, Charge> ledger = live.ledger;
  for (const auto& [user, charge] : plan.ledger) ledger.emplace(user, Charge{});
  return ledger;
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
