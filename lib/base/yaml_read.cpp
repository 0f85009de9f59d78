#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "base/json.hpp"

namespace alphorn {
namespace {

// Bounds for hostile or self-referring documents; far above anything a person writes.
constexpr int kMaxDepth = 100;
constexpr int kMaxNodes = 1'000'000;

[[noreturn]] void fail(const YAML::Mark& mark, const std::string& what) {
  throw std::invalid_argument("line " + std::to_string(mark.line + 1) + ", column " +
                              std::to_string(mark.column + 1) + ": " + what);
}

template <typename Number>
bool parse_whole(std::string_view text, Number& number, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end == text.data() + text.size();
}

json integer(std::string_view text, int base) {
  std::int64_t with_sign = 0;
  if (parse_whole(text, with_sign, base)) return with_sign;
  std::uint64_t without = 0;
  if (parse_whole(text, without, base)) return without;
  return std::stod(std::string{text});
}

bool is_decimal(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_float(const std::string& text) {
  static const std::regex pattern{R"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)"};
  return text.size() < 64 && std::regex_match(text, pattern);
}

/// YAML 1.2's core schema for a plain scalar.
json plain(const std::string& text, const YAML::Mark& mark) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return nullptr;
  }
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const char first = text.front();
  const bool may_be_number =
      (first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.';
  if (!may_be_number) return text;
  if (is_decimal(text)) return integer(first == '+' ? text.substr(1) : text, 10);
  if (text.starts_with("0x") &&
      text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string::npos && text.size() > 2) {
    return integer(text.substr(2), 16);
  }
  if (text.starts_with("0o") && text.size() > 2 &&
      text.find_first_not_of("01234567", 2) == std::string::npos) {
    return integer(text.substr(2), 8);
  }
  static const std::regex not_finite{R"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))"};
  if (std::regex_match(text, not_finite)) fail(mark, text + " has no JSON form");
  if (is_float(text)) return std::stod(text);
  return text;
}

/// A key as a step of a JSON pointer (RFC 6901).
std::string pointer_step(const std::string& key) {
  std::string step = "/";
  for (const char letter : key) {
    if (letter == '~') {
      step += "~0";
    } else if (letter == '/') {
      step += "~1";
    } else {
      step += letter;
    }
  }
  return step;
}

class Reader {
 public:
  /// `positions` may be null.
  explicit Reader(Positions* positions) : positions_(positions) {}

  json read(const YAML::Node& node, int depth, const std::string& pointer) {
    if (positions_ != nullptr) {
      (*positions_)[pointer] = {.line = node.Mark().line + 1, .column = node.Mark().column + 1};
    }
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) fail(node.Mark(), "too deep or too large");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return nullptr;
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence: {
        json list = json::array();
        for (const YAML::Node& item : node) {
          list.push_back(read(item, depth + 1, step(pointer, std::to_string(list.size()))));
        }
        return list;
      }
      case YAML::NodeType::Map:
        return mapping(node, depth, pointer);
    }
    return nullptr;
  }

 private:
  static json scalar(const YAML::Node& node) {
    const std::string& tag = node.Tag();
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return node.Scalar();
    if (tag == "?" || tag.empty() || tag.starts_with("tag:yaml.org,2002:")) {
      return plain(node.Scalar(), node.Mark());
    }
    fail(node.Mark(), "the tag " + tag + " is not known");
  }

  /// Pointers cost; where nobody asks for positions none are made.
  std::string step(const std::string& pointer, const std::string& key) const {
    return positions_ == nullptr ? "" : pointer + pointer_step(key);
  }

  json mapping(const YAML::Node& node, int depth, const std::string& pointer) {
    json object = json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) fail(entry.first.Mark(), "a key must be a string");
      const std::string& key = entry.first.Scalar();
      if (object.contains(key)) fail(entry.first.Mark(), "the key \"" + key + "\" appears twice");
      object[key] = read(entry.second, depth + 1, step(pointer, key));
    }
    return object;
  }

  Positions* positions_;
  int nodes_ = 0;
};

/// Notes where a document begins and lets its content pass.
struct Document final : YAML::EventHandler {
  void OnDocumentStart(const YAML::Mark& at) override { mark = at; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  YAML::Mark mark;
};

json read_document(std::string_view text, Positions* positions) {
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    Document first;
    if (!parser.HandleNextDocument(first)) return nullptr;
    // LoadAll would ask on and on: for ever, where a document ends and the next does not begin.
    Document second;
    if (parser.HandleNextDocument(second)) fail(second.mark, "a second document; one is expected");
    return Reader{positions}.read(YAML::Load(std::string{text}), 0, "");
  } catch (const YAML::Exception& error) {
    fail(error.mark, error.msg);
  }
}

}  // namespace

json from_yaml(std::string_view text) { return read_document(text, nullptr); }

json from_yaml(std::string_view text, Positions& positions) {
  return read_document(text, &positions);
}

}  // namespace alphorn
