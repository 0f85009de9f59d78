#include "directory/text.hpp"

#include <unicode/translit.h>
#include <unicode/ucnv.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <stdexcept>

namespace alphorn::directory {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kUtf16Little = "\xFF\xFE";
constexpr std::string_view kUtf16Big = "\xFE\xFF";

std::string converted(std::string_view bytes, const char* charset) {
  std::string text;
  icu::UnicodeString(bytes.data(), static_cast<int>(bytes.size()), charset).toUTF8String(text);
  return text;
}

std::size_t distance(const std::string& one, const std::string& other) {
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t left = 1; left <= one.size(); ++left) {
    std::size_t diagonal = row[0];
    row[0] = left;
    for (std::size_t right = 1; right <= other.size(); ++right) {
      const std::size_t change = diagonal + (one[left - 1] == other[right - 1] ? 0 : 1);
      diagonal = row[right];
      row[right] = std::min({row[right] + 1, row[right - 1] + 1, change});
    }
  }
  return row.back();
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  const auto* text = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto size = static_cast<std::int32_t>(bytes.size());
  for (std::int32_t at = 0; at < size;) {
    UChar32 letter = 0;
    U8_NEXT(text, at, size, letter);
    if (letter < 0) return false;
  }
  return true;
}

std::string to_utf8(std::string_view bytes) {
  if (bytes.starts_with(kUtf8Mark)) bytes.remove_prefix(kUtf8Mark.size());
  if (bytes.starts_with(kUtf16Little)) return converted(bytes.substr(2), "UTF-16LE");
  if (bytes.starts_with(kUtf16Big)) return converted(bytes.substr(2), "UTF-16BE");
  if (is_utf8(bytes)) return std::string(bytes);
  return converted(bytes, "windows-1252");
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kBlank) - begin + 1));
}

std::string plain_latin(std::string_view text) {
  static const std::unique_ptr<icu::Transliterator> rules = [] {
    UErrorCode error = U_ZERO_ERROR;
    // de-ASCII writes out umlauts as German, and Switzerland, do: ü -> ue.
    auto* found = icu::Transliterator::createInstance("Any-Latin; de-ASCII; Latin-ASCII; Any-Lower",
                                                      UTRANS_FORWARD, error);
    if (U_FAILURE(error)) throw std::runtime_error("ICU has no transliteration to ASCII");
    return std::unique_ptr<icu::Transliterator>(found);
  }();
  icu::UnicodeString letters = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  rules->transliterate(letters);
  std::string result;
  letters.toUTF8String(result);
  std::erase_if(result, [](char letter) { return static_cast<unsigned char>(letter) >= 0x80; });
  return result;
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t far = distance(word, candidate);
    if (far < least) {
      least = far;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string guess = nearest(word, known);
  return guess.empty() ? "" : " (did you mean \"" + guess + "\"?)";
}

}  // namespace alphorn::directory
