#include "directory/fields.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "directory/text.hpp"

namespace alphorn::directory {
namespace {

constexpr int kMostPower = 100;

bool is_index(std::string_view step) {
  return !step.empty() && step.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "line 3, column 7: what" of from_yaml's errors.
Problem syntax_problem(const std::string& file, const std::string& error) {
  Place place{.file = file};
  std::string message = error;
  constexpr std::string_view kLine = "line ";
  constexpr std::string_view kColumn = ", column ";
  const std::size_t column = error.find(kColumn);
  const std::size_t colon = error.find(": ");
  if (error.starts_with(kLine) && column != std::string::npos && colon != std::string::npos) {
    place.line = std::atoi(error.c_str() + kLine.size());
    place.column = std::atoi(error.c_str() + column + kColumn.size());
    message = error.substr(colon + 2);
  }
  return {.place = place, .field = "", .message = message};
}

}  // namespace

std::string field_path(const std::string& pointer) {
  std::string path;
  std::size_t begin = 1;
  while (begin <= pointer.size() && !pointer.empty()) {
    const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
    const std::string step = pointer.substr(begin, end - begin);
    if (is_index(step)) {
      path += "[" + step + "]";
    } else {
      path += (path.empty() ? "" : ".") + step;
    }
    begin = end + 1;
  }
  return path;
}

Document::Document(std::string file, std::string_view text) : file_(std::move(file)) {
  try {
    root_ = from_yaml(text, positions_);
  } catch (const std::invalid_argument& error) {
    problems.push_back(syntax_problem(file_, error.what()));
    return;
  }
  if (root_.is_null()) {
    problems.push_back({{.file = file_, .line = 1, .column = 1}, "", "the document is empty"});
  } else if (!root_.is_object()) {
    problems.push_back(
        {place(""), "", "a mapping of fields is expected, such as \"kind: CompanyDirectory\""});
  }
}

Place Document::place(const std::string& pointer) const {
  for (std::string at = pointer;; at.erase(at.rfind('/'))) {
    if (const auto found = positions_.find(at); found != positions_.end()) {
      return {.file = file_, .line = found->second.line, .column = found->second.column};
    }
    if (at.empty()) return {.file = file_};
  }
}

Fields::Fields(Document& document, const json& value, std::string pointer)
    : document_(document), value_(value), pointer_(std::move(pointer)) {
  if (!is_mapping()) problem("", "a mapping of fields is expected");
}

std::string Fields::pointer_of(const std::string& name) const {
  return name.empty() ? pointer_ : pointer_ + "/" + name;
}

Place Fields::place(const std::string& name) const { return document_.place(pointer_of(name)); }

void Fields::problem(const std::string& name, const std::string& message) {
  document_.problems.push_back(about(name, message));
}

Problem Fields::about(const std::string& name, const std::string& message) const {
  return {place(name), field_path(pointer_of(name)), message};
}

const json* Fields::find(const std::string& name) {
  known_.push_back(name);
  if (!value_.is_object()) return nullptr;
  const auto found = value_.find(name);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

bool Fields::is_mapping() const { return value_.is_object() || value_.is_null(); }

bool Fields::has(const std::string& name) const {
  return value_.is_object() && value_.contains(name);
}

std::string Fields::text(const std::string& name, const std::string& otherwise) {
  const json* found = find(name);
  if (found == nullptr) return otherwise;
  if (!found->is_string()) {
    problem(name, "a text is expected; put quotes around " + found->dump());
    return otherwise;
  }
  const std::string value = trimmed(found->get_ref<const std::string&>());
  const bool control = std::any_of(value.begin(), value.end(), [](char letter) {
    return static_cast<unsigned char>(letter) < ' ' && letter != '\n' && letter != '\t';
  });
  if (control) problem(name, "the text holds a control character; remove it");
  return value;
}

std::string Fields::required_text(const std::string& name) {
  const bool there = has(name);
  const std::size_t before = document_.problems.size();
  std::string value = text(name);
  if (value.empty() && is_mapping() && document_.problems.size() == before) {
    problem(there ? name : "", there ? "must not be empty" : name + " is missing");
  }
  return value;
}

bool Fields::boolean(const std::string& name, bool otherwise) {
  const json* found = find(name);
  if (found == nullptr) return otherwise;
  if (found->is_boolean()) return found->get<bool>();
  problem(name, "true or false is expected, not " + found->dump());
  return otherwise;
}

std::int64_t Fields::integer(const std::string& name, std::int64_t otherwise, std::int64_t least,
                             std::int64_t most) {
  const json* found = find(name);
  if (found == nullptr) return otherwise;
  if (found->is_number_integer()) {
    const auto value = found->get<std::int64_t>();
    if (value >= least && value <= most) return value;
  }
  problem(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                    " is expected, not " + found->dump());
  return otherwise;
}

std::vector<std::string> Fields::texts(const std::string& name) {
  const json* found = find(name);
  if (found == nullptr) return {};
  if (found->is_string()) return {trimmed(found->get_ref<const std::string&>())};
  std::vector<std::string> result;
  if (!found->is_array()) {
    problem(name, "a list of texts is expected");
    return result;
  }
  for (std::size_t index = 0; index < found->size(); ++index) {
    const json& item = (*found)[index];
    if (item.is_string()) {
      result.push_back(trimmed(item.get_ref<const std::string&>()));
    } else {
      problem(name + "/" + std::to_string(index),
              "a text is expected; put quotes around " + item.dump());
    }
  }
  return result;
}

std::map<std::string, std::vector<std::string>> Fields::text_lists(const std::string& name) {
  std::map<std::string, std::vector<std::string>> result;
  const json* found = find(name);
  if (found == nullptr) return result;
  Fields inner{document_, *found, pointer_of(name)};
  if (!found->is_object()) return result;
  for (const auto& [key, value] : found->items()) result[key] = inner.texts(key);
  return result;
}

std::map<std::string, int> Fields::levels(const std::string& name) {
  std::map<std::string, int> result;
  const json* found = find(name);
  if (found == nullptr) return result;
  Fields inner{document_, *found, pointer_of(name)};
  if (!found->is_object()) return result;
  for (const auto& [key, value] : found->items()) {
    result[key] = static_cast<int>(inner.integer(key, 0, 0, kMostPower));
  }
  return result;
}

std::optional<std::int64_t> Fields::duration_s(const std::string& name) {
  static const std::map<char, std::int64_t> units{{'s', 1},     {'m', 60},     {'h', 3600},
                                                  {'d', 86400}, {'w', 604800}, {'y', 31536000}};
  const json* found = find(name);
  if (found == nullptr) return std::nullopt;
  constexpr std::int64_t kMost = 1'000'000;
  if (found->is_string()) {
    const std::string value = trimmed(found->get_ref<const std::string&>());
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc{} && end + 1 == value.data() + value.size() && units.contains(*end) &&
        number > 0 && number < kMost) {
      return number * units.at(*end);
    }
  }
  problem(name,
          "a number with s, m, h, d, w or y is expected, such as \"30d\", not " + found->dump());
  return std::nullopt;
}

std::optional<std::string> Fields::word(const std::string& name,
                                        const std::vector<std::string>& words) {
  const json* found = find(name);
  if (found == nullptr) return std::nullopt;
  std::string all;
  for (const std::string& one : words) all += (all.empty() ? "" : ", ") + one;
  // Nobody puts quotes around the 12 of a room version.
  if (found->is_string() || found->is_number_integer()) {
    const std::string value =
        found->is_string() ? trimmed(found->get_ref<const std::string&>()) : found->dump();
    if (std::find(words.begin(), words.end(), value) != words.end()) return value;
    problem(name, "\"" + value + "\" is none of " + all + did_you_mean(value, words));
  } else {
    problem(name, "one of " + all + " is expected, not " + found->dump());
  }
  return std::nullopt;
}

Fields Fields::object(const std::string& name) {
  static const json nothing;
  const json* found = find(name);
  return {document_, found == nullptr ? nothing : *found, pointer_of(name)};
}

void Fields::each(const std::string& name, const std::function<void(Fields&)>& use) {
  const json* found = find(name);
  if (found == nullptr) return;
  if (!found->is_array()) {
    problem(name, "a list is expected: begin each entry with \"- \"");
    return;
  }
  for (std::size_t index = 0; index < found->size(); ++index) {
    Fields entry{document_, (*found)[index], pointer_of(name) + "/" + std::to_string(index)};
    use(entry);
    entry.end();
  }
}

void Fields::end() {
  if (!value_.is_object()) return;
  for (const auto& [name, value] : value_.items()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    problem(name, "there is no such field here" + did_you_mean(name, known_));
  }
}

}  // namespace alphorn::directory
