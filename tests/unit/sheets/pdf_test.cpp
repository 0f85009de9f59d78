#include <gmock/gmock.h>

#include <chrono>

#include "base/run_program.hpp"
#include "sheets/sheet.hpp"
#include "sheets/texts.hpp"

namespace alphorn::sheets {
namespace {

Sheet a_sheet(const std::string& language) {
  return {.display_name = "Łukasz Żółć-Müller",
          .user_id = "@lukasz:acme.example",
          .password = Secret("abcd2345"),
          .language = language,
          .company = "Acme SA",
          .web_url = "https://chat.acme.example"};
}

int pages_of(const std::string& pdf) {
  const std::size_t at = pdf.find("/Count ");
  return at == std::string::npos ? 0 : std::atoi(pdf.c_str() + at + 7);
}

TEST(Pdf, IsOnePageInEveryLanguage) {
  for (const char* language : {"en", "fr", "de", "it", "rm"}) {
    const Secret pdf = pdf_of(a_sheet(language));
    EXPECT_TRUE(pdf.reveal().starts_with("%PDF-")) << language;
    EXPECT_EQ(pages_of(pdf.reveal()), 1) << language;
  }
}

TEST(Pdf, NamesOfAnyLengthAreDrawn) {
  Sheet sheet = a_sheet("de");
  sheet.display_name = std::string(400, 'x');
  sheet.user_id = "@" + std::string(200, 'y') + ":acme.example";
  EXPECT_EQ(pages_of(pdf_of(sheet).reveal()), 1);
}

TEST(Pdf, WhatIsPrintedCanBeReadAndCopied) {
  Sheet sheet = a_sheet("fr");
  sheet.display_name = "Nguyễn Thị Hương";
  const std::string text =
      output_of(
          {.command = "pdftotext", .arguments = {"-layout", "-", "-"}, .input = pdf_of(sheet)},
          std::chrono::seconds(10))
          .reveal();
  for (const char* part : {"Bonjour Nguyễn Thị Hương", "@lukasz:acme.example", "abcd2345",
                           "https://chat.acme.example"}) {
    EXPECT_THAT(text, testing::HasSubstr(part));
  }
}

TEST(Texts, EveryLanguageSaysAllThereIsToSay) {
  const Texts& english = texts_in("en");
  for (const char* language : {"fr", "de", "it"}) {
    const Texts& texts = texts_in(language);
    EXPECT_NE(&texts, &english);
    EXPECT_EQ(texts.steps.size(), english.steps.size()) << language;
    EXPECT_EQ(texts.keys.size(), english.keys.size()) << language;
    EXPECT_THAT(texts.title, testing::HasSubstr("{company}")) << language;
    EXPECT_THAT(texts.greeting, testing::HasSubstr("{name}")) << language;
  }
}

}  // namespace
}  // namespace alphorn::sheets
