#pragma once

#include "base/json.hpp"

namespace alphorn::netpol {

/// Whether a LabelSelector selects an object with these labels (a JSON object, or null). An empty
/// selector selects everything.
bool selects(const json& selector, const json& labels);

}  // namespace alphorn::netpol
