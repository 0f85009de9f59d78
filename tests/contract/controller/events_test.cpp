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
  std::vector<json> events;
  const auto of_reason = [&](const std::string& reason) {
    const auto found = std::find_if(events.begin(), events.end(), [&](const json& event) {
      return string_at(event, "reason") == reason;
    });
    return found == events.end() ? json::object() : *found;
  };
  // A flush waits for a slow server for two seconds only.
  ASSERT_TRUE(test::eventually([&] {
    recorder.flush();
    events.clear();
    for (const auto& item : client->list(kEvent, {.ns = ns}).items) events.push_back(item.read());
    return of_reason("Ready").contains("note") &&
           integer_at(of_reason("DatabaseNotReady"), "series/count") >= 4;
  }));
  ASSERT_EQ(events.size(), 2U);
  const json repeated = of_reason("DatabaseNotReady");
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
    // To try each of them four times would take minutes.
    for (int count = 0; count < 50; ++count) {
      recorder.record(test::config_map("default", "x" + std::to_string(count), {}), Type::normal,
                      "A", "B", "c");
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds{30});
}

}  // namespace
}  // namespace alphorn::controller
