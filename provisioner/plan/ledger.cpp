#include "plan/ledger.hpp"

#include <charconv>

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

}  // namespace alphorn::plan
