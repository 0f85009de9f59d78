#pragma once

#include <string>
#include <string_view>

namespace alphorn {

/// RFC 4648 base64 with padding.
std::string base64_encode(std::string_view bytes);

/// The bytes behind padded base64. Throws std::invalid_argument on anything else.
std::string base64_decode(std::string_view text);

/// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

/// HMAC-SHA1 as 40 lower-case hexadecimal digits (Synapse's shared-secret registration).
std::string hmac_sha1_hex(std::string_view key, std::string_view bytes);

/// `text` with at most `longest` bytes (at least 3); what is cut is shown as "...". Never cuts
/// inside a UTF-8 character.
std::string shortened(std::string text, std::size_t longest);

/// A-Z as a-z; every other byte as it is, whatever the locale.
std::string lower_case(std::string text);

/// Percent-encodes everything but RFC 3986's unreserved characters.
std::string percent_encode(std::string_view text);

}  // namespace alphorn
