#include "homeserver/signing_key.hpp"

#include <array>
#include <stdexcept>

#include "base/encoding.hpp"
#include "base/openssl.hpp"

namespace alphorn::homeserver {

namespace {

constexpr std::size_t kBytes = 32;  // of a seed, and of a public key
constexpr std::size_t kIdLength = 4;

std::string unpadded(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

std::string padded(std::string text) {
  while (text.size() % 4 != 0) text += '=';
  return text;
}

}  // namespace

Secret draw_signing_key() {
  return Secret("ed25519 a_" + random_token(kIdLength).reveal() + " " +
                unpadded(random_bytes(kBytes)) + "\n");
}

std::string signing_key_id(const std::string& key) {
  const std::size_t first = key.find(' ');
  const std::size_t second = key.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos) return "";
  return key.substr(0, first) + ":" + key.substr(first + 1, second - first - 1);
}

std::string public_part_of(const Secret& key) {
  const std::string& text = key.reveal();
  const std::size_t begin = text.rfind(' ') + 1;
  const std::size_t end = text.find_last_not_of("\r\n") + 1;
  if (signing_key_id(text).empty() || end <= begin) {
    throw std::runtime_error("the signing key cannot be read");
  }
  const Secret seed{base64_decode(padded(text.substr(begin, end - begin)))};
  const openssl::PrivateKey pair{EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(seed.reveal().data()),
      seed.reveal().size())};
  std::array<unsigned char, kBytes> bytes{};
  std::size_t length = bytes.size();
  if (!pair || EVP_PKEY_get_raw_public_key(pair.get(), bytes.data(), &length) != 1) {
    throw std::runtime_error("the signing key cannot be read");
  }
  return unpadded({reinterpret_cast<const char*>(bytes.data()), length});
}

}  // namespace alphorn::homeserver
