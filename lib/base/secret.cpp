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

namespace {

/// Bytes above the largest multiple of the alphabet are drawn again, or some letters would be
/// likelier.
Secret drawn_from(std::string_view letters, std::size_t length) {
  const std::size_t usable = 256 / letters.size() * letters.size();
  std::string text;
  text.reserve(length);
  while (text.size() < length) {
    std::string bytes = random_bytes(length - text.size());
    for (const char letter : bytes) {
      const auto byte = static_cast<unsigned char>(letter);
      if (byte < usable) text += letters[byte % letters.size()];
    }
    OPENSSL_cleanse(bytes.data(), bytes.size());
  }
  return Secret{std::move(text)};
}

}  // namespace

Secret random_token(std::size_t length) {
  return drawn_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", length);
}

Secret random_password(std::size_t length) {
  return drawn_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789", length);
}

}  // namespace alphorn
