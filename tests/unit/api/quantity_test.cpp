#include "api/quantity.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace alphorn::api {
namespace {

TEST(Quantity, IsSpelledAsTheApiServerSpellsIt) {
  const std::vector<std::pair<const char*, const char*>> spellings{
      {"1", "1"},         {"1000m", "1"},       {"1500m", "1500m"}, {"0.5", "500m"},
      {"1.5", "1500m"},   {"2000", "2k"},       {"1536", "1536"},   {"10Gi", "10Gi"},
      {"1024Mi", "1Gi"},  {"1.5Gi", "1536Mi"},  {"1000M", "1G"},    {"100M", "100M"},
      {"512Ki", "512Ki"}, {"1048576Ki", "1Gi"}, {"2.0", "2"},       {"1Ki", "1Ki"},
  };
  for (const auto& [given, canonical] : spellings) {
    EXPECT_EQ(canonical_quantity(given), canonical) << given;
  }
}

TEST(Quantity, ComparesByAmount) {
  EXPECT_EQ(*Quantity::parse("1024Mi"), *Quantity::parse("1Gi"));
  EXPECT_LT(*Quantity::parse("1G"), *Quantity::parse("1Gi"));
  EXPECT_GT(*Quantity::parse("2"), *Quantity::parse("1999m"));
}

TEST(Quantity, RefusesWhatIsNone) {
  for (const char* text : {"", "huge", "5 GB", "2GB", "-1", "1e3", "1.", ".5", "1.2345", "1.5m",
                           "Gi", "1.2.3", "1234567890123456"}) {
    EXPECT_FALSE(Quantity::parse(text)) << text;
  }
}

}  // namespace
}  // namespace alphorn::api
