#include "plan/print.hpp"

#include <gmock/gmock.h>

#include "unit/plan/company.hpp"

namespace alphorn::plan {
namespace {

using testing::HasSubstr;

TEST(Print, TextNamesEachStepAndItsFields) {
  const std::string text = as_text(make_plan(a_company(), an_empty_server(), kNow), Colour::no);
  EXPECT_THAT(text, HasSubstr("+ create account @anna:acme.example\n"
                              "    display name: Anna Muster\n"));
  EXPECT_THAT(text, HasSubstr("9 steps: "));
}

TEST(Print, ANameCannotSteerTheTerminal) {
  directory::Directory company = a_company();
  company.people[0].display_name = "Anna\x1b[31m";
  const std::string text = as_text(make_plan(company, an_empty_server(), kNow), Colour::no);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Print, MarkdownEscapesWhatWouldEndACell) {
  directory::Directory company = a_company();
  company.people[0].display_name = "A|B";
  EXPECT_THAT(as_markdown(make_plan(company, an_empty_server(), kNow)), HasSubstr("A\\|B"));
}

TEST(Print, JsonCountsByAction) {
  const json printed = as_json(make_plan(a_company(), an_empty_server(), kNow));
  EXPECT_EQ(printed["summary"]["join"], 4);
  EXPECT_EQ(printed["steps"].size(), 9);
}

}  // namespace
}  // namespace alphorn::plan
