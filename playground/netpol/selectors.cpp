#include "netpol/selectors.hpp"

#include <algorithm>

namespace alphorn::netpol {
namespace {

bool holds(const json& expression, const json& labels) {
  const std::string key = string_at(expression, "key");
  const std::string relation = string_at(expression, "operator");
  const bool there = labels.is_object() && labels.contains(key);
  if (relation == "Exists") return there;
  if (relation == "DoesNotExist") return !there;
  const json& values = at_path(expression, "values");
  const bool listed =
      there && std::find(values.begin(), values.end(), labels.at(key)) != values.end();
  return relation == "NotIn" ? !listed : listed;
}

}  // namespace

bool selects(const json& selector, const json& labels) {
  for (const auto& [key, value] : at_path(selector, "matchLabels").items()) {
    if (!labels.is_object() || !labels.contains(key) || labels.at(key) != value) return false;
  }
  const json& expressions = at_path(selector, "matchExpressions");
  return std::all_of(expressions.begin(), expressions.end(),
                     [&](const json& expression) { return holds(expression, labels); });
}

}  // namespace alphorn::netpol
