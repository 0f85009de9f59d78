#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"

/// X.509 for the gateways: an own authority (ten years) and the leaves it signs (90 days, renewed
/// at two thirds of their life). ECDSA P-256 throughout. Pure but for the random numbers it draws.
namespace alphorn::certificates {

struct KeyPair {
  std::string certificate_pem;
  Secret key_pem;
};

/// A self-signed authority. Throws std::runtime_error with OpenSSL's reason.
KeyPair make_authority(const std::string& common_name, TimePoint now);

/// A server certificate for these DNS names, signed by the authority.
/// Throws std::runtime_error with OpenSSL's reason.
KeyPair issue(const KeyPair& authority, const std::vector<std::string>& hosts, TimePoint now);

/// What a certificate says of itself.
struct Facts {
  std::string serial;  ///< hexadecimal
  TimePoint not_before;
  TimePoint not_after;
  std::vector<std::string> hosts;  ///< DNS names, sorted
  bool operator==(const Facts&) const = default;
};

/// The facts as text, and back: what is written beside a certificate so that it need not be parsed
/// again. Nothing for what is no such text.
std::string to_text(const Facts& facts);
std::optional<Facts> facts_from(const std::string& text);

/// A digest of a certificate that this authority issued, its key and its facts: whoever finds it
/// unchanged beside them knows that they belong together.
std::string seal_of(const KeyPair& pair, const std::string& facts_text,
                    const std::string& authority_pem);

/// The facts of the first certificate in `pem`; nothing when it cannot be read.
std::optional<Facts> inspect(const std::string& pem);

/// True when the authority's key signed the certificate.
bool is_signed_by(const std::string& certificate_pem, const std::string& authority_pem);

/// True when the key belongs to the certificate. False also when either cannot be read.
bool key_matches(const std::string& certificate_pem, const Secret& key_pem);

/// True for a certificate that may sign others at that time.
bool is_authority(const std::string& certificate_pem, TimePoint now);

/// True when one of the certificate's names covers the host; "*" stands for one whole first label
/// (RFC 6125, section 6.4.3).
bool covers(const Facts& facts, const std::string& host);

/// When a new one is due.
TimePoint renewal_due(const Facts& facts);

}  // namespace alphorn::certificates
