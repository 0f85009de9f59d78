#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace alphorn::api {

/// A positive resource quantity ("500m", "1.5", "10Gi"), exact to a thousandth. Covers what our
/// schema accepts: no sign and no exponent.
class Quantity {
 public:
  /// Nothing when the text is not such a quantity.
  static std::optional<Quantity> parse(std::string_view text);

  /// The one spelling that the API server writes back as it was sent: "1000m" is "1", "1024Mi" is
  /// "1Gi", "1.5Gi" is "1536Mi". A manifest that spells a quantity otherwise differs from what is
  /// stored for ever.
  std::string canonical() const;

  /// What it is without unit, the fraction left out; the largest number when there is none for it.
  std::int64_t count() const;

  /// By amount: 1024Mi equals 1Gi.
  std::strong_ordering operator<=>(const Quantity& other) const;
  bool operator==(const Quantity& other) const { return (*this <=> other) == 0; }

 private:
  __extension__ using Thousandths = __int128;
  Quantity(Thousandths thousandths, bool binary) : thousandths_(thousandths), binary_(binary) {}

  Thousandths thousandths_;
  bool binary_;
};

/// The canonical spelling, or the text itself when it is no quantity (validate() reports it).
std::string canonical_quantity(const std::string& text);

}  // namespace alphorn::api
