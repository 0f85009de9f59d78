#include <cstdlib>
#include <iostream>
#include <string>

#include "homeserver/logins.hpp"

/// Prints how many people are logged in by a bridge, or "nobody tells".
///
///     logins_probe HOST PORT ROLE PASSWORD
int main(int argc, char** argv) {
  using namespace alphorn;
  if (argc != 5) return EXIT_FAILURE;
  const auto people =
      homeserver::count_logins(argv[1], std::stoi(argv[2]), argv[3], Secret{argv[4]});
  std::cout << (people ? std::to_string(*people) : "nobody tells") << std::endl;
  return EXIT_SUCCESS;
}
