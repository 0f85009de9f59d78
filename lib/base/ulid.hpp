#pragma once

#include <string>
#include <string_view>

namespace alphorn {

/// A ULID that stands for `what` for ever: Matrix Authentication Service knows providers and
/// clients by such.
std::string ulid_of(const std::string& what);

/// That of the identity provider to which a company's resource gives this id
/// (spec.authentication.oidc[].id), and that of the operator as a client.
std::string ulid_of_provider(const std::string& id);
std::string ulid_of_operator();

/// 26 letters of Crockford's alphabet.
bool is_ulid(std::string_view text);

}  // namespace alphorn
