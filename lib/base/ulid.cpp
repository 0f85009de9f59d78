#include "base/ulid.hpp"

#include <algorithm>
#include <cstdint>

#include "base/encoding.hpp"

namespace alphorn {
namespace {

constexpr std::string_view kLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kLength = 26;

}  // namespace

/// Ten letters of a moment, which is always the same one, and sixteen of a hash.
std::string ulid_of(const std::string& what) {
  constexpr int kBits = 5;
  constexpr std::size_t kDigits = 20;  // of sixteen letters
  std::string text = "01K9000000";
  std::uint32_t bits = 0;
  int count = 0;
  for (const char digit : sha256_hex(what).substr(0, kDigits)) {
    bits = (bits << 4U) | static_cast<std::uint32_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    count += 4;
    if (count < kBits) continue;
    count -= kBits;
    text += kLetters[(bits >> static_cast<unsigned>(count)) & 31U];
  }
  return text;
}

std::string ulid_of_provider(const std::string& id) { return ulid_of("oidc/" + id); }

std::string ulid_of_operator() { return ulid_of("client/alphorn"); }

bool is_ulid(std::string_view text) {
  return text.size() == kLength && std::all_of(text.begin(), text.end(), [](char letter) {
           return kLetters.find(letter) != std::string_view::npos;
         });
}

}  // namespace alphorn
