#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alphorn::directory {

/// UTF-8 of a text file's bytes: byte order marks are taken away, UTF-16 with one is converted,
/// what is no UTF-8 is taken for Windows-1252 (Latin-1 with the letters that Windows adds).
std::string to_utf8(std::string_view bytes);

bool is_utf8(std::string_view bytes);

std::string trimmed(std::string_view text);

/// Latin letters without their accents, in lower case: "Zoë Müller-Groß" -> "zoe mueller-gross".
/// Other scripts' letters are left out.
std::string plain_latin(std::string_view text);

/// Which of `known` was probably meant, or "".
std::string nearest(const std::string& word, const std::vector<std::string>& known);

/// ` (did you mean "engineering"?)`, or "".
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

}  // namespace alphorn::directory
