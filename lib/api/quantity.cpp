#include "api/quantity.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

namespace alphorn::api {
namespace {

struct Unit {
  std::string_view suffix;
  int power;
};

constexpr std::array<Unit, 7> kDecimal{
    {{"", 0}, {"k", 1}, {"M", 2}, {"G", 3}, {"T", 4}, {"P", 5}, {"E", 6}}};
constexpr std::array<Unit, 6> kBinary{
    {{"Ki", 1}, {"Mi", 2}, {"Gi", 3}, {"Ti", 4}, {"Pi", 5}, {"Ei", 6}}};

// More digits could overflow 128 bits together with the largest unit.
constexpr std::size_t kMaxDigits = 15;
constexpr std::size_t kMaxDecimals = 3;

template <typename Number>
Number scaled(Number value, int base, int power) {
  for (int i = 0; i < power; ++i) value *= base;
  return value;
}

template <typename Number>
std::string to_text(Number value) {
  std::string reversed;
  do {
    reversed += static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  return {reversed.rbegin(), reversed.rend()};
}

/// Divides by `base` as often as nothing is lost; returns how often.
template <typename Number>
int take_factors(Number& value, int base, int most) {
  int power = 0;
  while (value != 0 && power < most && value % base == 0) {
    value /= base;
    ++power;
  }
  return power;
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

std::optional<Quantity> Quantity::parse(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, end);
  const std::string_view suffix = text.substr(end);
  const std::size_t point = std::min(number.find('.'), number.size());
  const std::string_view whole = number.substr(0, point);
  const std::string_view fraction = number.substr(std::min(point + 1, number.size()));
  if (whole.empty() || whole.size() > kMaxDigits || !all_digits(whole)) return std::nullopt;
  if (fraction.size() > kMaxDecimals || !all_digits(fraction)) return std::nullopt;
  if (point < number.size() && fraction.empty()) return std::nullopt;

  Thousandths value = 0;
  for (const char digit : whole) value = value * 10 + (digit - '0');
  for (std::size_t i = 0; i < kMaxDecimals; ++i) {
    value = value * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  }
  if (suffix == "m") {
    if (!fraction.empty()) return std::nullopt;
    return Quantity(value / 1000, false);
  }
  for (const Unit& unit : kDecimal) {
    if (suffix == unit.suffix) return Quantity(scaled(value, 1000, unit.power), false);
  }
  for (const Unit& unit : kBinary) {
    if (suffix == unit.suffix) return Quantity(scaled(value, 1024, unit.power), true);
  }
  return std::nullopt;
}

std::string Quantity::canonical() const {
  if (thousandths_ % 1000 != 0) return to_text(thousandths_) + "m";
  Thousandths value = thousandths_ / 1000;
  if (binary_ && value >= 1024) {
    const int power = take_factors(value, 1024, 6);
    const std::string text = to_text(value);
    return power == 0 ? text : text + std::string{kBinary[power - 1].suffix};
  }
  const int power = take_factors(value, 1000, 6);
  return to_text(value) + std::string{kDecimal[power].suffix};
}

std::int64_t Quantity::count() const {
  const Thousandths most = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(thousandths_ / 1000, most));
}

std::strong_ordering Quantity::operator<=>(const Quantity& other) const {
  if (thousandths_ < other.thousandths_) return std::strong_ordering::less;
  if (thousandths_ > other.thousandths_) return std::strong_ordering::greater;
  return std::strong_ordering::equal;
}

std::string canonical_quantity(const std::string& text) {
  const std::optional<Quantity> quantity = Quantity::parse(text);
  return quantity ? quantity->canonical() : text;
}

}  // namespace alphorn::api
