#pragma once

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "directory/directory.hpp"

namespace alphorn::directory {

/// A YAML text while it is taken apart: what was wrong is collected, not thrown.
class Document {
 public:
  /// Throws nothing; a text that is no YAML is a problem.
  Document(std::string file, std::string_view text);

  const json& root() const { return root_; }
  Place place(const std::string& pointer) const;
  const std::string& file() const { return file_; }

  std::vector<Problem> problems;

 private:
  std::string file_;
  json root_;
  Positions positions_;
};

/// An object of the document, field by field. A value of a wrong kind, and a field that nobody
/// asked for, is a problem of the document's; what is read then is the default.
class Fields {
 public:
  Fields(Document& document, const json& value, std::string pointer);

  /// Whether it has fields, or could have.
  bool is_mapping() const;
  bool has(const std::string& name) const;
  std::string text(const std::string& name, const std::string& otherwise = "");
  /// As text(), but its absence is a problem.
  std::string required_text(const std::string& name);
  bool boolean(const std::string& name, bool otherwise);
  std::int64_t integer(const std::string& name, std::int64_t otherwise, std::int64_t least,
                       std::int64_t most);
  /// A text or a list of texts.
  std::vector<std::string> texts(const std::string& name);
  /// {"departments": "Engineering"} or {"departments": ["Engineering", "Research"]}.
  std::map<std::string, std::vector<std::string>> text_lists(const std::string& name);
  std::map<std::string, int> levels(const std::string& name);
  /// "30d", in seconds; units s, m, h, d, w, y.
  std::optional<std::int64_t> duration_s(const std::string& name);
  /// One of `words`; absent: nothing.
  std::optional<std::string> word(const std::string& name, const std::vector<std::string>& words);
  /// The value behind one of them; absent, or another word: `otherwise`.
  template <typename Value>
  Value choice(const std::string& name, const Words<Value>& words, Value otherwise) {
    std::vector<std::string> known;
    for (const auto& [text, value] : words) known.push_back(text);
    const std::optional<std::string> said = word(name, known);
    if (!said) return otherwise;
    return std::find_if(words.begin(), words.end(),
                        [&](const auto& entry) { return entry.first == *said; })
        ->second;
  }
  Fields object(const std::string& name);
  void each(const std::string& name, const std::function<void(Fields&)>& use);

  /// Every field that no call has named is a problem. Call it last.
  void end();

  void problem(const std::string& name, const std::string& message);
  /// The same, to be said later or not at all.
  Problem about(const std::string& name, const std::string& message) const;
  Place place(const std::string& name = "") const;
  Document& document() { return document_; }

 private:
  const json* find(const std::string& name);
  std::string pointer_of(const std::string& name) const;

  Document& document_;
  const json& value_;
  std::string pointer_;
  std::vector<std::string> known_;
};

/// "/spec/spaces/2/key" -> "spec.spaces[2].key".
std::string field_path(const std::string& pointer);

}  // namespace alphorn::directory
