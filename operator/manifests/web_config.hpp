#pragma once

#include "manifests/tenant.hpp"

namespace alphorn::manifests {

/// config.json of the web client, as Element Web reads it. Holds no secret: browsers fetch it.
json web_config(const Tenant& tenant);

/// What its pages may load and whom they may talk to: themselves, the company's homeserver, and the
/// well-known document of its domain. The value of the header, without quotes in it.
std::string content_security_policy(const Tenant& tenant);

}  // namespace alphorn::manifests
