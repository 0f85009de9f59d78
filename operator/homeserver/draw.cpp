#include "homeserver/draw.hpp"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdexcept>

#include "base/openssl.hpp"
#include "homeserver/signing_key.hpp"

namespace alphorn::homeserver {

namespace {

constexpr std::size_t kTokenLength = 48;
constexpr std::size_t kHexKeyBytes = 32;
constexpr unsigned kRsaBits = 2048;

Secret draw_hex_key() {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : random_bytes(kHexKeyBytes)) {
    const auto value = static_cast<unsigned char>(byte);
    text += kDigits[value >> 4U];
    text += kDigits[value & 15U];
  }
  return Secret{text};
}

/// PKCS#8 in PEM.
Secret draw_rsa_key() {
  const openssl::PrivateKey key{EVP_RSA_gen(kRsaBits)};
  const openssl::Bio out{BIO_new(BIO_s_mem())};
  char* text = nullptr;
  if (!key || !out ||
      PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    throw std::runtime_error("an RSA key cannot be drawn");
  }
  const long length = BIO_get_mem_data(out.get(), &text);
  return Secret{std::string{text, static_cast<std::size_t>(length)}};
}

}  // namespace

Secret draw(manifests::SecretRecipe::Draw what) {
  using Draw = manifests::SecretRecipe::Draw;
  switch (what) {
    case Draw::signing_key:
      return draw_signing_key();
    case Draw::hex_key:
      return draw_hex_key();
    case Draw::rsa_key:
      return draw_rsa_key();
    case Draw::token:
      break;
  }
  return random_token(kTokenLength);
}

}  // namespace alphorn::homeserver
