// The informer against a scripted server: what a healthy one does not do on demand.
#include "controller/informer.hpp"

#include <gmock/gmock.h>

#include "base/locked.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_transport.hpp"

namespace alphorn::controller {
namespace {

using http::TransportError;
using kube::kinds::kPod;
using std::chrono::milliseconds;
using test::event_line;
using test::status_object;
using testing::ElementsAre;
using testing::HasSubstr;
using Lines = test::ScriptedTransport::Lines;

json pod(const std::string& name, const std::string& version) {
  return {{"metadata",
           {{"namespace", "ns"},
            {"name", name},
            {"resourceVersion", version},
            {"managedFields", json::array({1})}}}};
}

json pods(const std::string& version, const std::vector<json>& items) {
  return {{"metadata", {{"resourceVersion", version}}}, {"items", items}};
}

class ScriptedInformer : public testing::Test {
 protected:
  /// Starts the informer and waits until the script has been asked that often.
  void run_until(std::size_t requests) {
    InformerOptions options{.kind = kPod};
    options.resync = std::chrono::hours{1};
    options.streaming_list = streaming_list_;
    options.may_be_refused = may_be_refused_;
    options.environment = {.clock = &clock_,
                           .wait =
                               [this](milliseconds time, const std::stop_token&) {
                                 waits_.with([&](auto& waits) { waits.push_back(time.count()); });
                               },
                           .random = [] { return 0.5; }};
    informer_ = std::make_unique<Informer>(std::make_shared<kube::Client>(server_), options);
    informer_->add_handler([this](const ObjectPtr& before, const ObjectPtr& after) {
      const std::string what = !before ? "added " : (!after ? "deleted " : "changed ");
      told_.push_back((before == after ? "again " : what) + (after ? after : before)->key().name);
    });
    informer_->start();
    ASSERT_TRUE(server_->wait_for_requests(requests));
    informer_->stop();
  }

  std::string target(std::size_t index) const { return server_->requests().at(index).target; }
  std::vector<std::int64_t> waits() const {
    return waits_.with([](const auto& waits) { return waits; });
  }

  std::shared_ptr<test::ScriptedTransport> server_ = std::make_shared<test::ScriptedTransport>();
  bool streaming_list_ = false;
  bool may_be_refused_ = false;
  test::FakeClock clock_;
  Locked<std::vector<std::int64_t>> waits_;
  std::vector<std::string> told_;
  std::unique_ptr<Informer> informer_;
};

TEST_F(ScriptedInformer, ListsFromTheCacheThenWatchesFromThere) {
  server_->then(200, pods("10", {pod("a", "3")}));
  run_until(2);
  EXPECT_THAT(target(0), HasSubstr("resourceVersion=0"));
  EXPECT_THAT(target(1), HasSubstr("resourceVersion=10"));
  EXPECT_THAT(target(1), HasSubstr("timeoutSeconds=450")) << "between one and two times 300";
  EXPECT_THAT(told_, ElementsAre("added a"));
  const json stored = informer_->store().get({"ns", "a"})->read();
  EXPECT_FALSE(stored.at("metadata").contains("managedFields"));
  EXPECT_EQ(stored.at("kind"), "Pod") << "items of a list do not say so themselves";
  EXPECT_EQ(informer_->store().resource_version(), "10") << "the list's, not an item's";
}

TEST_F(ScriptedInformer, BookmarksMoveTheVersionOnly) {
  server_->then(200, pods("10", {}))
      .then(Lines{{event_line("BOOKMARK", {{"metadata", {{"resourceVersion", "20"}}}})}});
  run_until(3);
  EXPECT_THAT(target(2), HasSubstr("resourceVersion=20"));
  EXPECT_TRUE(told_.empty());
  EXPECT_TRUE(waits().empty()) << "a watch that had an event may end at once";
}

TEST_F(ScriptedInformer, A410EventListsAgainAndTellsTheDifference) {
  server_->then(200, pods("10", {pod("gone", "1"), pod("same", "2"), pod("changed", "3")}))
      .then(Lines{{event_line("ERROR", status_object(410, "Expired"))}})
      .then(200, pods("30", {pod("same", "2"), pod("changed", "25"), pod("new", "26")}));
  run_until(4);
  EXPECT_THAT(target(2), HasSubstr("resourceVersion=10")) << "not older than what is known";
  EXPECT_THAT(target(2), testing::Not(HasSubstr("limit")));
  EXPECT_THAT(target(3), HasSubstr("resourceVersion=30"));
  EXPECT_THAT(told_, ElementsAre("added gone", "added same", "added changed", "deleted gone",
                                 "changed changed", "added new"));
  EXPECT_TRUE(waits().empty());
}

TEST_F(ScriptedInformer, A410StatusListsAgainToo) {
  server_->then(200, pods("10", {}))
      .then(410, status_object(410, "Expired"))
      .then(200, pods("30", {pod("new", "26")}));
  run_until(4);
  EXPECT_THAT(told_, ElementsAre("added new"));
}

TEST_F(ScriptedInformer, AListWhoseVersionIsGoneAsksForTheMostRecent) {
  json too_large = status_object(504, "Timeout");
  too_large["details"] = {{"causes", json::array({{{"reason", "ResourceVersionTooLarge"}}})}};
  server_->then(200, pods("10", {}))
      .then(410, status_object(410, "Expired"))
      .then(504, too_large, {{"Retry-After", "1"}})
      .then(200, pods("5", {pod("restored", "4")}));
  run_until(5);
  EXPECT_THAT(target(3), testing::Not(HasSubstr("resourceVersion=")));
  EXPECT_THAT(target(4), HasSubstr("resourceVersion=5"));
  EXPECT_THAT(told_, ElementsAre("added restored"));
}

TEST_F(ScriptedInformer, ARefusedConnectionWatchesAgainFromTheSameVersion) {
  server_->then(200, pods("10", {}))
      .then(TransportError(TransportError::Kind::connect, "refused"))
      .then(429, status_object(429, "TooManyRequests"))
      .then(TransportError(TransportError::Kind::timeout, "silence"));
  run_until(5);
  for (const std::size_t index : {2U, 3U, 4U}) {
    EXPECT_THAT(target(index), HasSubstr("watch=true"));
    EXPECT_THAT(target(index), HasSubstr("resourceVersion=10"));
  }
  EXPECT_THAT(waits(), ElementsAre(1200, 2400, 4800));
}

TEST_F(ScriptedInformer, AWatchThatEndsAtOnceBacksOff) {
  server_->then(200, pods("10", {})).then(Lines{}).then(Lines{});
  run_until(4);
  EXPECT_EQ(waits().size(), 2U);
}

TEST_F(ScriptedInformer, AFailedListIsTriedAgainAndNotSynced) {
  server_->then(403, status_object(403, "Forbidden")).then(200, pods("10", {}));
  run_until(3);
  EXPECT_EQ(waits().size(), 1U);
  EXPECT_TRUE(informer_->synced());
}

TEST_F(ScriptedInformer, EventsTellBeforeAndAfter) {
  server_->then(200, pods("10", {pod("a", "1")}))
      .then(Lines{{event_line("MODIFIED", pod("a", "11")), event_line("ADDED", pod("b", "12")),
                   event_line("ADDED", pod("b", "12")), event_line("DELETED", pod("a", "13")),
                   event_line("DELETED", pod("never seen", "14"))}});
  run_until(3);
  EXPECT_THAT(told_,
              ElementsAre("added a", "changed a", "added b", "deleted a", "deleted never seen"));
  EXPECT_THAT(target(2), HasSubstr("resourceVersion=14"));
}

TEST_F(ScriptedInformer, AHalfEventBacksOffAndListsAgain) {
  server_->then(200, pods("10", {}))
      .then(Lines{{"{\"type\":\"ADDED\",\"obj"}})
      .then(200, pods("12", {pod("a", "11")}));
  run_until(4);
  EXPECT_THAT(told_, ElementsAre("added a"));
  EXPECT_EQ(waits().size(), 1U);
}

TEST_F(ScriptedInformer, ResyncReplaysTheStore) {
  server_->then(200, pods("10", {pod("a", "1")}));
  InformerOptions options{.kind = kPod};
  options.resync = std::chrono::hours{1};
  options.streaming_list = false;
  options.environment.clock = &clock_;
  Informer informer{std::make_shared<kube::Client>(server_), options};
  informer.add_handler([&](const ObjectPtr& before, const ObjectPtr& after) {
    told_.push_back(before == after ? "again" : "added");
  });
  informer.start();
  ASSERT_TRUE(server_->wait_for_requests(2));
  clock_.step(std::chrono::hours{2});
  server_->then(Lines{{event_line("BOOKMARK", {{"metadata", {{"resourceVersion", "20"}}}})}});
  ASSERT_TRUE(server_->wait_for_requests(3));
  informer.stop();
  EXPECT_THAT(told_, ElementsAre("added", "again"));
}

class StreamingInformer : public ScriptedInformer {
 protected:
  StreamingInformer() { streaming_list_ = true; }

  static std::string end_of_list(const std::string& version) {
    return event_line("BOOKMARK", {{"metadata",
                                    {{"resourceVersion", version},
                                     {"annotations", {{"k8s.io/initial-events-end", "true"}}}}}});
  }
};

TEST_F(StreamingInformer, IsSyncedAtTheEndOfTheListAndGoesOnWithTheSameStream) {
  server_->then(Lines{{event_line("ADDED", pod("a", "3")), event_line("ADDED", pod("b", "4")),
                       end_of_list("10"), event_line("DELETED", pod("a", "11"))}});
  run_until(2);
  EXPECT_THAT(target(0), HasSubstr("sendInitialEvents=true"));
  EXPECT_THAT(target(0), HasSubstr("resourceVersionMatch=NotOlderThan"));
  EXPECT_THAT(target(0), HasSubstr("allowWatchBookmarks=true"));
  EXPECT_THAT(target(0), testing::Not(HasSubstr("resourceVersion="))) << "the most recent";
  EXPECT_THAT(told_, ElementsAre("added a", "added b", "deleted a"));
  EXPECT_TRUE(informer_->synced());
  EXPECT_THAT(target(1), HasSubstr("resourceVersion=11"));
  EXPECT_THAT(target(1), testing::Not(HasSubstr("sendInitialEvents")));
}

TEST_F(StreamingInformer, KeepsNothingOfAListThatBrokeOff) {
  server_
      ->then(Lines{{event_line("ADDED", pod("a", "3"))},
                   TransportError(TransportError::Kind::interrupted, "cut")})
      .then(Lines{{event_line("ADDED", pod("b", "4"))}})
      .then(Lines{{event_line("ADDED", pod("c", "5")), end_of_list("10")}});
  run_until(4);
  EXPECT_THAT(told_, ElementsAre("added c"));
  EXPECT_EQ(waits().size(), 2U);
}

TEST_F(StreamingInformer, FallsBackToPagesWhereTheServerSendsNone) {
  server_->then(422, status_object(422, "Invalid", "sendInitialEvents is forbidden"))
      .then(200, pods("10", {pod("a", "3")}))
      .then(410, status_object(410, "Expired"))
      .then(200, pods("30", {pod("a", "3")}));
  run_until(4);
  EXPECT_THAT(target(1), HasSubstr("limit=500"));
  EXPECT_THAT(target(3), testing::Not(HasSubstr("sendInitialEvents"))) << "asked for once more";
  EXPECT_THAT(told_, ElementsAre("added a"));
  EXPECT_TRUE(waits().empty());
}

TEST_F(StreamingInformer, WhatMayNotBeReadHasNoObjectsUntilItMay) {
  may_be_refused_ = true;
  server_->then(403, status_object(403, "Forbidden", "no list of pods"))
      .then(403, status_object(403, "Forbidden", "no list of pods"))
      .then(403, status_object(403, "Forbidden", "no list of pods"));
  run_until(4);
  EXPECT_TRUE(informer_->synced());
  EXPECT_FALSE(informer_->served());
  EXPECT_THAT(target(1), HasSubstr("limit=500")) << "a plain list tells for sure";
  server_->then(200, pods("10", {pod("a", "3")}));
  informer_->start();
  ASSERT_TRUE(server_->wait_for_requests(6));
  informer_->stop();
  EXPECT_TRUE(informer_->served());
  EXPECT_THAT(told_, ElementsAre("added a"));
}

TEST_F(StreamingInformer, AnExpiredWatchStreamsAgainAndKeepsTheOldContentMeanwhile) {
  server_
      ->then(Lines{{event_line("ADDED", pod("gone", "3")), event_line("ADDED", pod("same", "4")),
                    end_of_list("10"), event_line("ERROR", status_object(410, "Expired"))}})
      .then(Lines{{event_line("ADDED", pod("same", "4")), event_line("ADDED", pod("new", "12"))},
                  TransportError(TransportError::Kind::interrupted, "cut")})
      .then(Lines{{event_line("ADDED", pod("same", "4")), event_line("ADDED", pod("new", "12")),
                   end_of_list("20")}});
  run_until(4);
  EXPECT_THAT(target(1), HasSubstr("resourceVersion=10")) << "not older than what is known";
  EXPECT_THAT(told_, ElementsAre("added gone", "added same", "deleted gone", "added new"));
}

TEST_F(StreamingInformer, AVersionThatTheServerDoesNotHaveAsksForTheMostRecent) {
  server_->then(Lines{{end_of_list("10"), event_line("ERROR", status_object(410, "Expired"))}})
      .then(410, status_object(410, "Expired"))
      .then(Lines{{end_of_list("5")}});
  run_until(4);
  EXPECT_THAT(target(2), testing::Not(HasSubstr("resourceVersion=")));
  EXPECT_EQ(informer_->store().resource_version(), "5");
}

TEST_F(StreamingInformer, AServerUnderLoadIsAskedForTheStreamAgain) {
  server_->then(429, status_object(429, "TooManyRequests")).then(Lines{{end_of_list("5")}});
  run_until(3);
  EXPECT_THAT(target(1), HasSubstr("sendInitialEvents=true"));
  EXPECT_EQ(waits().size(), 1U);
}

}  // namespace
}  // namespace alphorn::controller
