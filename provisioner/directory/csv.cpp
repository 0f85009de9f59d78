#include "directory/csv.hpp"

#include <algorithm>
#include <array>

#include "directory/text.hpp"

namespace alphorn::directory {
namespace {

char separator_of(std::string_view text) {
  const std::string_view header = text.substr(0, text.find('\n'));
  char best = ',';
  std::ptrdiff_t most = 0;
  for (const char candidate : {',', ';', '\t'}) {
    const auto count = std::count(header.begin(), header.end(), candidate);
    if (count > most) {
      most = count;
      best = candidate;
    }
  }
  return best;
}

class Parser {
 public:
  Parser(std::string_view text, char separator) : text_(text), separator_(separator) {}

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> result;
    while (at_ < text_.size()) {
      CsvRow row = read_row();
      const bool blank = std::all_of(row.fields.begin(), row.fields.end(),
                                     [](const std::string& field) { return field.empty(); });
      if (!blank) result.push_back(std::move(row));
    }
    return result;
  }

 private:
  CsvRow read_row() {
    CsvRow row{.line = line_, .fields = {}};
    while (true) {
      row.fields.push_back(read_field());
      if (at_ >= text_.size()) return row;
      const char end = text_[at_++];
      if (end == '\n') {
        ++line_;
        return row;
      }
    }
  }

  std::string read_field() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ < text_.size() && text_[at_] == '"') return read_quoted();
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') ++at_;
    return trimmed(text_.substr(begin, at_ - begin));
  }

  std::string read_quoted() {
    const int begun = line_;
    std::string field;
    for (++at_; at_ < text_.size(); ++at_) {
      const char letter = text_[at_];
      if (letter == '\n') ++line_;
      if (letter != '"') {
        field += letter;
        continue;
      }
      if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field += '"';
        ++at_;
        continue;
      }
      ++at_;
      while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\r')) ++at_;
      if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') {
        throw CsvError{line_, "text follows a closing quote; double the quotes inside a field"};
      }
      return trimmed(field);
    }
    throw CsvError{begun, "a quote is opened here and never closed"};
  }

  std::string_view text_;
  char separator_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

CsvTable read_csv(std::string_view bytes) {
  const std::string text = to_utf8(bytes);
  if (const std::size_t zero = text.find('\0'); zero != std::string::npos) {
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(zero), '\n');
    throw CsvError{static_cast<int>(line),
                   "this is no text; save the table as CSV (UTF-8) and not as a workbook"};
  }
  std::vector<CsvRow> rows = Parser{text, separator_of(text)}.rows();
  if (rows.empty()) throw CsvError{1, "the table is empty; its first line must name the columns"};
  CsvTable table{
      .header = std::move(rows.front().fields), .header_line = rows.front().line, .rows = {}};
  rows.erase(rows.begin());
  for (const CsvRow& row : rows) {
    if (row.fields.size() > table.header.size()) {
      throw CsvError{row.line, std::to_string(row.fields.size()) +
                                   " fields, but the header names " +
                                   std::to_string(table.header.size()) +
                                   "; put quotes around a field that holds the separator"};
    }
  }
  for (CsvRow& row : rows) row.fields.resize(table.header.size());
  table.rows = std::move(rows);
  return table;
}

}  // namespace alphorn::directory
