#include "apply/journal.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>

#include "apply/erasures.hpp"

namespace alphorn::apply {
namespace {

namespace fs = std::filesystem;

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string pattern = (fs::temp_directory_path() / "alphorn-journal-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~JournalTest() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(JournalTest, TheNextProcessKnowsWhatWasAskedAndNotAnswered) {
  {
    Journal journal{folder_};
    journal.asked("@anna:acme.example");
    journal.asked("@beat:acme.example");
    journal.answered("@anna:acme.example");
  }
  EXPECT_THAT(Journal{folder_}.unanswered(), testing::ElementsAre("@beat:acme.example"));
}

TEST_F(JournalTest, AHalfWrittenLineWasNotActedUpon) {
  {
    Journal journal{folder_};
    journal.asked("@anna:acme.example");
  }
  std::ofstream{folder_ / "journal.jsonl", std::ios::app} << "{\"asked\":\"@be";
  EXPECT_THAT(Journal{folder_}.unanswered(), testing::ElementsAre("@anna:acme.example"));
}

TEST_F(JournalTest, OfTwoProcessesOneIsToldSo) {
  const Journal first{folder_};
  EXPECT_THROW(Journal{folder_}, std::runtime_error);
}

TEST_F(JournalTest, WhenAllIsDoneItIsEmpty) {
  Journal journal{folder_};
  journal.asked("@anna:acme.example");
  journal.answered("@anna:acme.example");
  journal.clear();
  EXPECT_EQ(fs::file_size(folder_ / "journal.jsonl"), 0U);
}

TEST_F(JournalTest, WhoWasErasedIsKnownAfterwardsAndNotNamed) {
  const std::set<std::string> people{"@anna:acme.example", "@beat:acme.example"};
  EXPECT_TRUE(erased_among(folder_, people).empty());
  {
    Journal journal{folder_};
    journal.erased("@beat:acme.example");
    journal.erased("@carla:acme.example");
    journal.clear();
  }
  EXPECT_THAT(erased_among(folder_, people), testing::ElementsAre("@beat:acme.example"));
  std::ifstream file{folder_ / "erasures.jsonl"};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text.find("beat"), std::string::npos);
  std::ofstream{folder_ / "erasures.jsonl", std::ios::app} << "not json\n";
  EXPECT_THROW(erased_among(folder_, people), std::runtime_error);
}

TEST_F(JournalTest, WhatWasNotAnsweredOutlivesTheRun) {
  {
    Journal journal{folder_};
    journal.asked("@anna:acme.example");
    journal.clear();
  }
  EXPECT_THAT(Journal{folder_}.unanswered(), testing::ElementsAre("@anna:acme.example"));
}

}  // namespace
}  // namespace alphorn::apply
