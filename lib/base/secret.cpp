#include "base/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stdexcept>
#include <string_view>

namespace alphorn {

Secret::Secret(std::string value) : value_(std::move(value)) {}

Secret::~Secret() {
  // Growing to the capacity does not allocate; it reaches the bytes a move or a shrink left behind.
  value_.resize(value_.capacity());
  OPENSSL_cleanse(value_.data(), value_.size());
}

std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "[redacted]"; }

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    throw std::runtime_error("the operating system's random generator does not deliver");
  }
  return bytes;
}

Secret random_token(std::size_t length) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  // Bytes above the largest multiple of 62 are drawn again, or some letters would be more likely.
  constexpr unsigned kUsable = 256 / kLetters.size() * kLetters.size();
  std::string token;
  token.reserve(length);
  while (token.size() < length) {
    std::string bytes = random_bytes(length - token.size());
    for (const char letter : bytes) {
      const auto byte = static_cast<unsigned char>(letter);
      if (byte < kUsable) token += kLetters[byte % kLetters.size()];
    }
    OPENSSL_cleanse(bytes.data(), bytes.size());
  }
  return Secret{std::move(token)};
}

}  // namespace alphorn
