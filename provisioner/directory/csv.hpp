#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alphorn::directory {

/// A line of a table. Fields are UTF-8, without blanks around them.
struct CsvRow {
  int line = 0;  ///< in the file, from 1; where the row begins
  std::vector<std::string> fields;
};

struct CsvTable {
  std::vector<std::string> header;
  int header_line = 0;
  std::vector<CsvRow> rows;  ///< empty lines are left out
};

/// Tables as spreadsheets write them (RFC 4180 and its relatives): comma, semicolon or tab,
/// whichever the header has most of; quotes; line breaks inside quotes. UTF-8 with or without a
/// byte order mark, UTF-16 with one; what is no UTF-8 is read as Windows-1252. Debian 12 has no C++
/// library for this. Throws CsvError.
CsvTable read_csv(std::string_view bytes);

/// The text cannot be read as a table.
struct CsvError {
  int line;
  std::string message;  ///< with the remedy
};

}  // namespace alphorn::directory
