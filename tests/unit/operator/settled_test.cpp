#include "homeserver/settled.hpp"

#include <gmock/gmock.h>

#include "unit/operator/worlds.hpp"

namespace alphorn::homeserver::test {
namespace {

/// A running tenant whose objects are counted: how often each was read.
class SettledTest : public testing::Test {
 protected:
  SettledTest() {
    const World running = a_running_tenant();
    for (const auto& [id, object] : running.children) objects_[id] = *object;
    world_ = running;
    see();
  }

  /// What a pass would observe now.
  void see() {
    world_.children.clear();
    read_.clear();
    for (const auto& [id, object] : objects_) {
      world_.children.emplace(id, ObjectPtr{version_of(id), [this, id = id] {
                                              ++read_[id.display()];
                                              return objects_[id];
                                            }});
    }
  }

  std::string version_of(const ChildId& id) const {
    const auto found = versions_.find(id);
    return std::to_string(found == versions_.end() ? 1 : found->second);
  }

  void edit(const ChildId& id, const std::function<void(json&)>& edit) {
    edit(objects_[id]);
    versions_[id] = 2;
    see();
  }

  std::map<ChildId, json> objects_;
  std::map<ChildId, int> versions_;
  std::map<std::string, int> read_;
  World world_;
  Settled settled_;
};

TEST_F(SettledTest, WhatWasAsItShouldBeIsNotReadAgain) {
  EXPECT_TRUE(diff(world_, kNow, settled_).empty());
  EXPECT_THAT(read_, testing::Contains(testing::Key("ConfigMap acme-homeserver")));
  see();
  EXPECT_TRUE(diff(world_, kNow, settled_).empty());
  EXPECT_THAT(read_, testing::Not(testing::Contains(testing::Key("ConfigMap acme-homeserver"))));
  EXPECT_THAT(read_, testing::Not(testing::Contains(testing::Key("Secret acme-database-keys"))));
}

TEST_F(SettledTest, AnEditReadsOnlyWhatItChanges) {
  EXPECT_TRUE(diff(world_, kNow, settled_).empty());
  see();
  world_.resource.generation = 2;
  world_.tenant.spec.max_upload_size = "7M";
  EXPECT_FALSE(diff(world_, kNow, settled_).empty());
  EXPECT_THAT(read_, testing::Contains(testing::Key("ConfigMap acme-homeserver")));
  EXPECT_THAT(read_, testing::Not(testing::Contains(testing::Key("ConfigMap acme-database"))));
  EXPECT_THAT(read_, testing::Not(testing::Contains(testing::Key("ConfigMap acme-ca"))));
}

TEST_F(SettledTest, EveryChangedObjectIsNoticed) {
  diff(world_, kNow, settled_);
  for (const auto& [id, object] : std::map<ChildId, json>{objects_}) {
    edit(id, [](json& changed) { changed["metadata"]["labels"].clear(); });
    EXPECT_FALSE(diff(world_, kNow, settled_).empty()) << id.display();
    objects_[id] = object;
    versions_.erase(id);
    see();
    EXPECT_TRUE(diff(world_, kNow, settled_).empty()) << id.display();
  }
}

TEST_F(SettledTest, EveryMissingObjectIsNoticed) {
  diff(world_, kNow, settled_);
  for (const auto& [id, object] : std::map<ChildId, json>{objects_}) {
    objects_.erase(id);
    see();
    EXPECT_FALSE(diff(world_, kNow, settled_).empty()) << id.display();
    objects_[id] = object;
    see();
    EXPECT_TRUE(diff(world_, kNow, settled_).empty()) << id.display();
  }
}

TEST_F(SettledTest, InputsOfEverySortAreNoticed) {
  diff(world_, kNow, settled_);
  const World before = world_;
  using Edit = std::function<void(World&)>;
  const std::vector<Edit> edits{[](World& world) { world.tenant.images.nginx = "nginx:2"; },
                                [](World& world) { world.tenant.authority_pem = "OTHER"; },
                                [](World& world) { world.tenant.certificate_serial = "02"; },
                                [](World& world) { world.certificate_is_usable = false; },
                                [](World& world) { world.reissue_at = kNow; },
                                [](World& world) { world.tenant.images.postgres = "postgres:2"; },
                                [](World& world) { world.tenant.images.synapse = "synapse:2"; },
                                [](World& world) {
                                  world.resource.generation = 2;
                                  world.tenant.spec.max_upload_size = "7M";
                                }};
  for (const Edit& edit : edits) {
    world_ = before;
    EXPECT_TRUE(diff(world_, kNow, settled_).empty());
    edit(world_);
    EXPECT_FALSE(diff(world_, kNow, settled_).empty());
  }
  world_ = before;
  EXPECT_FALSE(diff(world_, kNow + std::chrono::hours(24 * 61), settled_).empty()) << "renewal";
}

TEST_F(SettledTest, AnAccountThatIsLostIsNoticed) {
  EXPECT_TRUE(diff(world_, kNow, settled_).empty());
  edit({.kind = "Secret", .name = "acme-administrator"},
       [](json& secret) { secret["metadata"]["uid"] = "another"; });
  EXPECT_FALSE(diff(world_, kNow, settled_).empty());
}

TEST_F(SettledTest, ALeftoverIsNoticedAmongSettledOnes) {
  diff(world_, kNow, settled_);
  json leftover = objects_.at({.kind = "ConfigMap", .name = "acme-ca"});
  leftover["metadata"]["name"] = "acme-former";
  objects_[child_id(leftover)] = leftover;
  see();
  EXPECT_EQ(diff(world_, kNow, settled_).clean_up.size(), 1U);
}

}  // namespace
}  // namespace alphorn::homeserver::test
