// A container's last words: what a run came to, in at most 4096 bytes.
#include "commands/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alphorn::commands {
namespace {

using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

constexpr std::size_t kWhatKubernetesKeeps = 4096;

TEST(Summary, CountsPeopleRoomsAndSteps) {
  apply::Report report;
  report.server_name = "acme.example";
  report.result = "done";
  report.planned = 7;
  report.done = {{"create account", 5}, {"create room", 2}};
  report.requests = 29;
  report.took = std::chrono::milliseconds{3700};
  directory::Directory directory;
  directory.people.resize(5);
  directory.rooms.resize(2);
  EXPECT_EQ(summary_of(report, directory), (json{{"result", "done"},
                                                 {"serverName", "acme.example"},
                                                 {"people", 5},
                                                 {"rooms", 2},
                                                 {"planned", 7},
                                                 {"done", 7},
                                                 {"failed", 0},
                                                 {"requests", 29},
                                                 {"seconds", 3.7}}));
}

TEST(Summary, HasTheFirstThreeFailuresAndHowManyThereWere) {
  apply::Report report;
  report.result = "failures";
  report.failures.resize(40, {.step = "create @anna:acme.example", .error = "M_FORBIDDEN"});
  const json summary = summary_of(report, {});
  EXPECT_EQ(summary.at("failed"), 40);
  EXPECT_THAT(summary.at("failures"), SizeIs(3));
  EXPECT_EQ(summary.at("failures").at(0), "create @anna:acme.example: M_FORBIDDEN");
}

TEST(Summary, OfARejectedDocumentSaysWhereItsFirstProblemIs) {
  const json summary = summary_of({{.place = {.file = "company.yaml", .line = 12, .column = 3},
                                    .field = "spec.rooms",
                                    .message = "a list is expected"},
                                   {.place = {}, .field = "spec", .message = "another"}});
  EXPECT_EQ(summary, (json{{"result", "rejected"},
                           {"error", "company.yaml:12:3: spec.rooms: a list is expected"},
                           {"problems", 2}}));
}

TEST(Summary, FitsIntoWhatKubernetesKeepsWhateverTheServerAnswered) {
  apply::Report report;
  report.result = "failures";
  report.error = std::string(10'000, '\x01');  // six bytes each in JSON
  report.failures.resize(5, {.step = std::string(5'000, '"'), .error = std::string(5'000, '\x02')});
  const std::string words = as_last_words(summary_of(report, {}));
  EXPECT_THAT(words.size(), Le(kWhatKubernetesKeeps));
  EXPECT_EQ(json::parse(words).at("result"), "failures");
  EXPECT_EQ(json::parse(words).at("failed"), 5);
}

TEST(Summary, OfTextThatIsNoUtf8IsStillJson) {
  const std::string words = as_last_words(summary_of_failure("the server says \xff"));
  EXPECT_THAT(string_at(json::parse(words), "error"), HasSubstr("the server says"));
}

}  // namespace
}  // namespace alphorn::commands
