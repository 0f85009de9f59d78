#include <algorithm>

#include "base/encoding.hpp"
#include "certificates/certificates.hpp"

namespace alphorn::certificates {
namespace {

bool name_covers(const std::string& name, const std::string& host) {
  if (name.rfind("*.", 0) != 0) return name == host;
  const std::size_t dot = host.find('.');
  return dot != std::string::npos && dot > 0 && host.substr(dot) == name.substr(1);
}

}  // namespace

bool covers(const Facts& facts, const std::string& host) {
  return std::any_of(facts.hosts.begin(), facts.hosts.end(), [&](const std::string& name) {
    return name_covers(lower_case(name), lower_case(host));
  });
}

}  // namespace alphorn::certificates
