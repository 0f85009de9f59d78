#include "controller/events.hpp"

#include <gmock/gmock.h>

#include "support/cluster.hpp"

namespace alphorn::controller {
namespace {

using kube::kinds::kConfigMap;
using kube::kinds::kEvent;
using Type = EventRecorder::Type;

TEST(Events, AreWrittenAndRepeatsBecomeASeries) {
  const auto client = test::client();
  const std::string ns = test::fresh_namespace(*client, "events");
  const json object = client->create(kConfigMap, test::config_map(ns, "subject", {})).read();
  EventRecorder recorder{client, "alphorn.dev/operator", "operator-0"};
  for (int count = 0; count < 4; ++count) {
    recorder.record(object, Type::warning, "DatabaseNotReady", "Reconcile", "it has no disk");
  }
  recorder.record(object, Type::normal, "Ready", "Reconcile", "all is well");
  recorder.flush();

  const auto events = client->list(kEvent, {.ns = ns}).items;
  ASSERT_EQ(events.size(), 2U);
  const json first = events[0].read();
  const json repeated = string_at(first, "reason") == "Ready" ? events[1].read() : first;
  EXPECT_EQ(repeated.at("note"), "it has no disk");
  EXPECT_EQ(repeated.at("type"), "Warning");
  EXPECT_EQ(integer_at(repeated, "series/count"), 4);
  EXPECT_EQ(string_at(repeated, "regarding/name"), "subject");
  EXPECT_EQ(at_path(repeated, "regarding/uid"), at_path(object, "metadata/uid"));
}

TEST(Events, ARefusedEventDisturbsNobody) {
  const auto client = test::client();
  EventRecorder recorder{client, "alphorn.dev/operator", "operator-0"};
  const json nowhere = test::config_map("no-such-namespace", "subject", {});
  recorder.record(nowhere, Type::normal, "Ready", "Reconcile", "all is well");
  EXPECT_NO_THROW(recorder.flush());
}

TEST(Events, EndWithoutWaitingForTheServer) {
  auto endpoint = test::kubeconfig().endpoint;
  endpoint.url = "https://127.0.0.1:9";
  const auto nobody = std::make_shared<kube::Client>(http::make_transport(endpoint));
  const auto started = std::chrono::steady_clock::now();
  {
    EventRecorder recorder{nobody, "alphorn.dev/operator", "operator-0"};
    recorder.record(test::config_map("default", "x", {}), Type::normal, "A", "B", "c");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds{1});
}

}  // namespace
}  // namespace alphorn::controller
