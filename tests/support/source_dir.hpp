#pragma once

#include <string>

namespace alphorn {

/// The root of the checkout that the tests were built from. A function, not a definition of the
/// preprocessor: the compiler cache would take every test of another clone for a new one.
std::string source_dir();

}  // namespace alphorn
