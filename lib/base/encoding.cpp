#include "base/encoding.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <stdexcept>

namespace alphorn {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hex(const unsigned char* bytes, std::size_t count) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  result.reserve(count * 2);
  for (std::size_t index = 0; index < count; ++index) {
    result += kDigits[bytes[index] >> 4];
    result += kDigits[bytes[index] & 15];
  }
  return result;
}

std::uint32_t digit_of(char letter) {
  const auto position = kAlphabet.find(letter);
  if (position == std::string_view::npos) {
    throw std::invalid_argument("not base64: an unexpected character");
  }
  return static_cast<std::uint32_t>(position);
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t index = 0; index < bytes.size(); index += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - index);
    std::uint32_t group = 0;
    for (std::size_t offset = 0; offset < 3; ++offset) {
      group <<= 8;
      if (offset < have) group |= static_cast<unsigned char>(bytes[index + offset]);
    }
    for (std::size_t digit = 0; digit < 4; ++digit) {
      result += digit <= have ? kAlphabet[(group >> (18 - 6 * digit)) & 63] : '=';
    }
  }
  return result;
}

std::string base64_decode(std::string_view text) {
  if (text.size() % 4 != 0)
    throw std::invalid_argument("not base64: the length is no multiple of 4");
  std::string result;
  result.reserve(text.size() / 4 * 3);
  for (std::size_t index = 0; index < text.size(); index += 4) {
    const bool last = index + 4 == text.size();
    const std::size_t padding =
        !last || text[index + 3] != '=' ? 0 : (text[index + 2] == '=' ? 2 : 1);
    std::uint32_t group = 0;
    for (std::size_t digit = 0; digit < 4; ++digit) {
      group = (group << 6) | (digit < 4 - padding ? digit_of(text[index + digit]) : 0);
    }
    for (std::size_t byte = 0; byte < 3 - padding; ++byte) {
      result += static_cast<char>((group >> (16 - 8 * byte)) & 255);
    }
  }
  return result;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes_of(bytes), bytes.size(), digest.data());
  return hex(digest.data(), digest.size());
}

std::string hmac_sha1_hex(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(),
           digest.data(), &length) == nullptr) {
    throw std::runtime_error("OpenSSL cannot compute an HMAC-SHA1");
  }
  return hex(digest.data(), length);
}

std::string lower_case(std::string text) {
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (const char letter : text) {
    const bool unreserved = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                            (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' ||
                            letter == '_' || letter == '~';
    if (unreserved) {
      result += letter;
    } else {
      const auto byte = static_cast<unsigned char>(letter);
      result += '%';
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  return result;
}

std::string shortened(std::string text, std::size_t longest) {
  if (text.size() <= longest) return text;
  std::size_t end = longest - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

}  // namespace alphorn
