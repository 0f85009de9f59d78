#include "http/line_splitter.hpp"

#include <gmock/gmock.h>

#include <vector>

#include "http/transport.hpp"

namespace alphorn::http {
namespace {

std::vector<std::string> lines_of(const std::vector<std::string>& pieces) {
  std::vector<std::string> lines;
  const LineSplitter::Sink sink = [&](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter{sink};
  for (const std::string& piece : pieces) splitter.feed(piece);
  return lines;
}

TEST(LineSplitter, PutsPiecesTogether) {
  EXPECT_THAT(lines_of({"a", "b\nc", "\n", "d\ne\n"}), testing::ElementsAre("ab", "c", "d", "e"));
}

TEST(LineSplitter, SkipsEmptyLinesAndCarriageReturns) {
  EXPECT_THAT(lines_of({"\n\r\na\r", "\n\n"}), testing::ElementsAre("a"));
}

TEST(LineSplitter, KeepsBackAnUnfinishedLine) {
  EXPECT_THAT(lines_of({"a\nhalf"}), testing::ElementsAre("a"));
}

TEST(Headers, NamesCompareWithoutCase) {
  const Headers headers{{"Retry-After", "1"}};
  EXPECT_TRUE(headers.contains("retry-after"));
  EXPECT_FALSE(headers.contains("retry"));
}

}  // namespace
}  // namespace alphorn::http
