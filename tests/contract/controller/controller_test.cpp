#include "controller/controller.hpp"

#include <gtest/gtest.h>

#include "controller/written.hpp"
#include "support/cluster.hpp"

namespace alphorn::controller {
namespace {

using kube::kinds::kConfigMap;
using test::config_map;
using test::eventually;

/// A small operator: every ConfigMap "wish" gets data.answer = data.question, and nothing else.
class Mirror {
 public:
  explicit Mirror(const std::string& ns)
      : client_(test::client()),
        informer_(client_, {.kind = kConfigMap, .ns = ns}),
        controller_({.name = "mirror", .workers = 3},
                    [this](const kube::Key& key, const std::stop_token& stop) {
                      return reconcile(key, stop);
                    }) {
    informer_.add_handler([this](const ObjectPtr& before, const ObjectPtr& after) {
      controller_.queue().add((after ? after : before)->key(), informer_.synced()
                                                                   ? WorkQueue::Priority::normal
                                                                   : WorkQueue::Priority::low);
    });
    informer_.start();
    if (!wait_until_synced({&informer_}, test::kPatience, {})) {
      throw std::runtime_error("not synced");
    }
    controller_.start();
  }
  // The informer's handler fills the controller's queue: whoever calls must end first.
  ~Mirror() { informer_.stop(); }
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  int writes() const { return writes_; }
  int stale() const { return stale_; }

 private:
  Outcome reconcile(const kube::Key& key, const std::stop_token& stop) {
    const bool fresh = written_.caught_up(key, [this](const kube::Kind& kind) {
      return kind == kConfigMap ? &informer_.store() : nullptr;
    });
    if (!fresh) {
      ++stale_;
      return Outcome::again_in(std::chrono::milliseconds{5});
    }
    const ObjectPtr cached = informer_.store().get(key);
    if (!cached) return Outcome::done();
    const json object = cached->read();
    const json question = at_path(object, "data/question");
    if (question.is_null() || question == at_path(object, "data/answer")) return Outcome::done();
    const kube::RawObject result =
        client_->apply(kConfigMap, config_map(key.ns, key.name, {{"answer", question}}),
                       {.field_manager = "mirror"}, stop);
    ++writes_;
    written_.record(key, kConfigMap, result);
    controller_.queue().add(key);  // provokes a pass over a cache that is behind
    return Outcome::done();
  }

  std::shared_ptr<kube::Client> client_;
  std::atomic<int> writes_{0};
  std::atomic<int> stale_{0};
  WrittenVersions written_;
  Informer informer_;
  Controller controller_;
};

TEST(AnOperator, ConvergesWithOneWriteAChange) {
  const auto client = test::client();
  const std::string ns = test::fresh_namespace(*client, "operator");
  const auto ask = [&](const std::string& name, const std::string& question) {
    client->apply(kConfigMap, config_map(ns, name, {{"question", question}}),
                  {.field_manager = "asker"});
  };
  const auto answered = [&](const std::string& name, const std::string& expected) {
    const json object = client->get({kConfigMap, ns, name}).value_or(json::object());
    return string_at(object, "data/answer") == expected;
  };
  ask("early", "1");
  Mirror mirror{ns};
  ASSERT_TRUE(eventually([&] { return answered("early", "1"); }));
  for (int count = 0; count < 10; ++count) ask("wish-" + std::to_string(count), "a");
  for (int count = 0; count < 10; ++count) {
    ASSERT_TRUE(eventually([&] { return answered("wish-" + std::to_string(count), "a"); }));
  }
  // A write is seen before the one who made it has counted it.
  ASSERT_TRUE(eventually([&] { return mirror.writes() >= 11; }));
  EXPECT_EQ(mirror.writes(), 11) << "a pass over a stale cache wrote again";
  client->apply(kConfigMap, config_map(ns, "early", {{"answer", "vandal"}}),
                {.field_manager = "vandal"});
  ASSERT_TRUE(eventually([&] { return answered("early", "1"); }));
  ASSERT_TRUE(eventually([&] { return mirror.writes() >= 12; }));
  EXPECT_EQ(mirror.writes(), 12);
}

}  // namespace
}  // namespace alphorn::controller
