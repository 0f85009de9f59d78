// Emits YAML that YAML 1.1 readers (Synapse's PyYAML) and 1.2 readers (Kubernetes) read alike.
// yaml-cpp's own emitter leaves "yes", "1.0" and "0x1f" unquoted, so it is not used here.
#include <algorithm>
#include <array>
#include <cstdio>

#include "base/json.hpp"

namespace alphorn {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Words that some YAML reader takes for a boolean or null, in lower case.
bool is_reserved_word(std::string text) {
  static constexpr std::array<std::string_view, 9> kWords{"true", "false", "yes", "no", "on",
                                                          "off",  "null",  "y",   "n"};
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

/// A whitelist: what starts with a digit, sign or dot may be a number, a date or a base-60 integer
/// to someone, so it is quoted although many such strings would be safe.
bool is_plain_safe(const std::string& text) {
  if (text.empty() || text.size() > 200) return false;
  if (!is_letter(text.front()) && text.front() != '/' && text.front() != '_') return false;
  if (text.back() == ':' || text.back() == ' ') return false;
  for (std::size_t index = 0; index < text.size(); ++index) {
    const char c = text[index];
    const char next = index + 1 < text.size() ? text[index + 1] : '\0';
    if (c == ':' && next == ' ') return false;
    if (c == ' ' && next == '#') return false;
    const bool allowed = is_letter(c) || is_digit(c) ||
                         std::string_view{"_-./:@ =+$()<>;,'~^%"}.find(c) != std::string_view::npos;
    if (!allowed) return false;
  }
  return !is_reserved_word(text);
}

/// Literal blocks hold any printable text whose first line does not start with a blank (that would
/// need an indentation indicator) and which has no carriage return, tab-led or control character.
bool is_block_safe(const std::string& text) {
  if (text.find('\n') == std::string::npos || text.front() == ' ' || text.front() == '\n') {
    return false;
  }
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
}

/// The code point that starts at `index` of valid UTF-8; moves `index` behind it.
char32_t next_code_point(std::string_view text, std::size_t& index) {
  const auto lead = static_cast<unsigned char>(text[index++]);
  if (lead < 0x80) return lead;
  const int following = lead >= 0xf0 ? 3 : (lead >= 0xe0 ? 2 : 1);
  char32_t point = lead & (0x3fU >> following);
  for (int i = 0; i < following; ++i) {
    point = (point << 6U) | (static_cast<unsigned char>(text[index++]) & 0x3fU);
  }
  return point;
}

/// A double-quoted scalar in printable ASCII: readers refuse some characters or take them for line
/// ends. JSON's own ASCII form splits what is above U+FFFF in two, which YAML does not join again.
std::string quoted(const std::string& text) {
  const std::string source = json(text).dump();  // throws when the text is not UTF-8
  std::string result;
  for (std::size_t index = 0; index < source.size();) {
    const char32_t point = next_code_point(source, index);
    if (point < 0x7f) {
      result += static_cast<char>(point);
      continue;
    }
    std::array<char, 11> escape{};
    std::snprintf(escape.data(), escape.size(), point > 0xffff ? "\\U%08x" : "\\u%04x",
                  static_cast<unsigned>(point));
    result += escape.data();
  }
  return result;
}

class Writer {
 public:
  std::string take() { return std::move(out_); }

  void value(const json& value, int indent) {
    if (value.is_object() && !value.empty()) {
      mapping(value, indent);
    } else if (value.is_array() && !value.empty()) {
      sequence(value, indent);
    } else {
      scalar(value, indent);
      out_ += '\n';
    }
  }

 private:
  void pad(int indent) { out_.append(static_cast<std::size_t>(indent), ' '); }

  // The first line of a mapping or sequence is already padded by whoever opened it.
  void mapping(const json& object, int indent) {
    bool first = true;
    for (const auto& [key, item] : object.items()) {
      if (!first) pad(indent);
      first = false;
      out_ += is_plain_safe(key) ? key : quoted(key);
      out_ += ':';
      if (item.is_object() && !item.empty()) {
        out_ += '\n';
        pad(indent + 2);
        mapping(item, indent + 2);
      } else if (item.is_array() && !item.empty()) {
        out_ += '\n';
        pad(indent);
        sequence(item, indent);
      } else {
        out_ += ' ';
        scalar(item, indent + 2);
        out_ += '\n';
      }
    }
  }

  void sequence(const json& list, int indent) {
    bool first = true;
    for (const json& item : list) {
      if (!first) pad(indent);
      first = false;
      out_ += "- ";
      value(item, indent + 2);
    }
  }

  void scalar(const json& value, int indent) {
    if (value.is_string()) {
      text(value.get_ref<const std::string&>(), indent);
    } else if (value.is_number_float()) {
      number(value);
    } else {
      out_ += value.dump();  // null, true, 42, {} and [] read the same in YAML
    }
  }

  /// YAML 1.1 wants a point in every float, or 1e+25 is a string.
  void number(const json& value) {
    std::string digits = value.dump();
    const std::size_t exponent = digits.find('e');
    if (exponent != std::string::npos && digits.find('.') == std::string::npos) {
      digits.insert(exponent, ".0");
    }
    out_ += digits;
  }

  void text(const std::string& text, int indent) {
    if (is_plain_safe(text)) {
      out_ += text;
    } else if (is_block_safe(text)) {
      block(text, indent);
    } else {
      out_ += quoted(text);
    }
  }

  void block(const std::string& text, int indent) {
    const bool ends_with_break = text.back() == '\n';
    const bool several_breaks = ends_with_break && text[text.size() - 2] == '\n';
    out_ += several_breaks ? "|+" : (ends_with_break ? "|" : "|-");
    std::string_view rest = text;
    if (ends_with_break) rest.remove_suffix(1);  // the caller ends the last line
    while (true) {
      const std::size_t end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      out_ += '\n';
      if (!line.empty()) {
        pad(std::max(indent, 2));
        out_ += line;
      }
      if (end == std::string_view::npos) return;
      rest.remove_prefix(end + 1);
    }
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const json& value) {
  Writer writer;
  writer.value(value, 0);
  return writer.take();
}

}  // namespace alphorn
