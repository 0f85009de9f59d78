// The bytes of a watch, cut anywhere: lines, events, objects. The first byte says how long the
// pieces are.
#include <cstdint>

#include "http/line_splitter.hpp"
#include "kube/errors.hpp"
#include "kube/requests.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alphorn;
  if (size == 0) return 0;
  static const kube::Cutter cutter{kube::bookkeeping()};
  const http::LineSplitter::Sink on_line = [](std::string_view line) {
    try {
      const kube::WatchEvent event = kube::requests::watch_event(line, cutter, kube::kinds::kPod);
      // What was taken for an object has to be one that can be read, or say that it cannot.
      event.object.read();
      event.is_end_of_list();
    } catch (const std::runtime_error&) {  // the only answer to nonsense; ApiError is one
    }
  };
  http::LineSplitter splitter{on_line};
  const std::size_t piece = data[0] + std::size_t{1};
  std::string_view rest{reinterpret_cast<const char*>(data) + 1, size - 1};
  while (!rest.empty()) {
    splitter.feed(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
  }
  return 0;
}
