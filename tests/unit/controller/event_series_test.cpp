#include "controller/event_series.hpp"

#include <gtest/gtest.h>

#include "support/fake_clock.hpp"

namespace alphorn::controller {
namespace {

using std::chrono::seconds;

class SeriesTest : public testing::Test {
 protected:
  std::optional<json> tell(const std::string& note, const std::string& name = "acme",
                           const std::string& reason = "Waiting") {
    const json regarding = {
        {"kind", "CompanyHomeserver"}, {"namespace", "ns"}, {"name", name}, {"uid", "uid-" + name}};
    return series_.next({.regarding = regarding,
                         .warning = true,
                         .reason = reason,
                         .action = "Reconcile",
                         .note = note},
                        TimePoint{seconds{1795355100}}, clock_.now());
  }

  test::FakeClock clock_;
  EventSeries series_{"alphorn.dev/operator", "operator-0"};
};

TEST_F(SeriesTest, TheFirstIsAnEventOfItsOwn) {
  const json event = tell("no disk").value();
  EXPECT_EQ(event.at("note"), "no disk");
  EXPECT_EQ(event.at("type"), "Warning");
  EXPECT_EQ(event.at("eventTime"), "2026-11-22T13:45:00.000000Z");
  EXPECT_EQ(event.at("metadata").at("namespace"), "ns");
  EXPECT_FALSE(event.contains("series"));
}

TEST_F(SeriesTest, RepeatsKeepTheNameAndCount) {
  const json first = tell("no disk").value();
  const json second = tell("no disk").value();
  EXPECT_EQ(first.at("metadata"), second.at("metadata"));
  EXPECT_EQ(integer_at(second, "series/count"), 2);
  EXPECT_FALSE(tell("no disk")) << "the third is only counted";
  EXPECT_EQ(integer_at(tell("no disk").value(), "series/count"), 4);
  clock_.step(seconds{61});
  EXPECT_EQ(integer_at(tell("no disk").value(), "series/count"), 5) << "once a minute at least";
}

TEST_F(SeriesTest, AfterTenQuietMinutesItIsNewAgain) {
  tell("no disk");
  clock_.step(seconds{601});
  EXPECT_FALSE(tell("no disk")->contains("series"));
}

TEST_F(SeriesTest, ManyNotesOfOneReasonBecomeOneEvent) {
  for (int count = 0; count < 10; ++count) {
    EXPECT_FALSE(tell("try " + std::to_string(count))->contains("series"));
  }
  const json many = tell("try 10").value();
  EXPECT_EQ(many.at("note"), "(one of many such events) try 10");
  EXPECT_EQ(tell("try 11")->at("metadata"), many.at("metadata"));
  EXPECT_EQ(tell("fine", "acme", "Ready")->at("note"), "fine") << "other reasons are not touched";
}

TEST_F(SeriesTest, AFloodAboutOneObjectIsDroppedAndOthersAreHeard) {
  int written = 0;
  for (int count = 0; count < 200; ++count) {
    if (tell("x", "acme", "Reason" + std::to_string(count))) ++written;
  }
  EXPECT_EQ(written, 25);
  EXPECT_TRUE(tell("x", "beta"));
  clock_.step(seconds{300});
  EXPECT_TRUE(tell("x", "acme", "Later"));
  EXPECT_FALSE(tell("x", "acme", "TooSoon"));
}

TEST_F(SeriesTest, ALongNoteIsCutAtACharacter) {
  std::string note;
  while (note.size() < 2000) note += "ü";
  const std::string cut = tell(note)->at("note");
  EXPECT_LE(cut.size(), 1024U);
  EXPECT_NO_THROW(json(cut).dump());
}

TEST_F(SeriesTest, AClusterScopedObjectIsToldInDefault) {
  const auto event = series_.next(
      {.regarding = {{"kind", "Node"}, {"name", "n"}}, .reason = "A", .action = "B", .note = "c"},
      TimePoint{}, clock_.now());
  EXPECT_EQ(string_at(*event, "metadata/namespace"), "default");
}

TEST_F(SeriesTest, MemoryIsBounded) {
  for (int count = 0; count < 10000; ++count) tell("x", "tenant-" + std::to_string(count));
  EXPECT_FALSE(tell("x", "tenant-0")->contains("series")) << "the oldest was forgotten";
}

}  // namespace
}  // namespace alphorn::controller
