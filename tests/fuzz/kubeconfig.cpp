// A kubeconfig of anybody's making: it is parsed, or refused by name.
#include "kube/kubeconfig.hpp"

#include <cstdint>
#include <stdexcept>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  try {
    alphorn::kube::parse_kubeconfig(text, "/tmp/kubeconfig", "",
                                    [](const std::string&) { return std::string{"content"}; });
  } catch (const std::runtime_error&) {
  }
  return 0;
}
