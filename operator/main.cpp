#include <exception>
#include <iostream>

#include "app.hpp"
#include "base/log.hpp"

int main(int argc, char** argv) {
  try {
    const alphorn::Parsed parsed = alphorn::parse_options(argc, argv);
    if (!parsed.options) return parsed.exit_code;
    alphorn::log_as_json(parsed.options->log_level);
    return alphorn::run_operator(*parsed.options);
  } catch (const std::exception& error) {
    std::cerr << "alphorn-operator: " << error.what() << '\n';
    return 1;
  }
}
