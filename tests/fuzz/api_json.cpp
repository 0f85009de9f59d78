// What the API server may answer: objects, lists, errors, and our own resource with any content.
#include <cstdint>
#include <cstdlib>
#include <stdexcept>

#include "api/company_homeserver.hpp"
#include "kube/errors.hpp"
#include "kube/raw_object.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alphorn;
  const std::string text{reinterpret_cast<const char*>(data), size};
  static const kube::Cutter cutter{{{"spec", "size"}, {"metadata", "managedFields"}}};
  // Two parsers, one opinion.
  const json expected = json::parse(text, nullptr, false);
  if (kube::parsed_object(text) != (expected.is_object() ? expected : json(nullptr))) std::abort();
  try {
    const kube::RawObject object = cutter.cut(text);
    api::validate(api::company_homeserver_from(object.read()));
  } catch (const std::runtime_error&) {
  }
  try {
    for (const kube::RawObject& item : cutter.cut_page(text, kube::kinds::kPod).items) item.read();
  } catch (const std::runtime_error&) {
  }
  kube::error_from_response({.status = 500, .headers = {{"Retry-After", text}}, .body = text});
  return 0;
}
