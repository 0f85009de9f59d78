#include "directory/csv.hpp"

#include <gmock/gmock.h>

namespace alphorn::directory {
namespace {

using testing::ElementsAre;

TEST(Csv, TheSeparatorIsWhatTheHeaderHasMostOf) {
  EXPECT_THAT(read_csv("a;b,c;d\n1;2;3\n").header, ElementsAre("a", "b,c", "d"));
  EXPECT_THAT(read_csv("a\tb\n1\t2\n").rows[0].fields, ElementsAre("1", "2"));
}

TEST(Csv, AQuotedFieldMayHoldEverything) {
  const CsvTable table = read_csv("a,b\n\"x, \"\"y\"\"\nz\",2\nlast,3\n");
  EXPECT_THAT(table.rows[0].fields, ElementsAre("x, \"y\"\nz", "2"));
  EXPECT_EQ(table.rows[1].line, 4);
}

TEST(Csv, LineEndsOfWindowsAreNoPartOfAField) {
  EXPECT_THAT(read_csv("a,b\r\n1,2\r\n").rows[0].fields, ElementsAre("1", "2"));
}

TEST(Csv, EmptyLinesAreNobody) { EXPECT_EQ(read_csv("a,b\n\n,\n1,2\n").rows.size(), 1U); }

TEST(Csv, AShortRowHasEmptyFields) {
  EXPECT_THAT(read_csv("a,b,c\n1\n").rows[0].fields, ElementsAre("1", "", ""));
}

TEST(Csv, EncodingsOfSpreadsheetsAreRead) {
  EXPECT_EQ(read_csv("\xEF\xBB\xBFname\nJ\xC3\xBCrg\n").rows[0].fields[0], "Jürg");
  EXPECT_EQ(read_csv("name\nJ\xFCrg\n").rows[0].fields[0], "Jürg");
  EXPECT_EQ(read_csv("name\n\x8Eivko\n").rows[0].fields[0], "Živko");
  using namespace std::string_literals;
  EXPECT_EQ(read_csv("\xFF\xFEn\0\n\0\xFC\0\n\0"s).rows[0].fields[0], "ü");
}

}  // namespace
}  // namespace alphorn::directory
