#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/company_homeserver.hpp"
#include "api/homeserver_backup.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "certificates/certificates.hpp"
#include "manifests/tenant.hpp"

namespace alphorn::homeserver {

/// An object as it was seen. Which version it is, is known; what it says is read when somebody asks
/// for the first time. For one thread.
class ObjectPtr {
 public:
  using Read = std::function<json()>;

  ObjectPtr(std::shared_ptr<const json> object);  // NOLINT(google-explicit-constructor)
  ObjectPtr(std::string version, Read read);

  /// Of one name, equal versions are the same object to the byte.
  const std::string& version() const { return version_; }
  const json* get() const;
  const json& operator*() const { return *get(); }
  const json* operator->() const { return get(); }

 private:
  std::string version_;
  Read read_;
  mutable std::shared_ptr<const json> object_;
};

/// A child of one tenant; all live in its namespace.
struct ChildId {
  std::string kind;
  std::string name;
  auto operator<=>(const ChildId&) const = default;
  std::string display() const { return kind + " " + name; }
};

ChildId child_id(const json& object);

/// It outlives its tenant: data or keys.
bool is_kept(const json& object);

/// Uid of the controlling owner, "" when there is none.
std::string controller_uid(const json& object);

/// Somebody deleted it, and something holds it still.
bool is_going(const json& object);

/// What a server said when it was asked; `problem` is "" when all went well.
struct Answer {
  std::string problem;
  std::string version = {};
  std::vector<std::string> signing_key_ids = {};
  bool operator==(const Answer&) const = default;
};

/// What who watches over the bucket of uploaded files said; `problem` is "" when it was reached.
struct BucketAnswer {
  std::string problem;
  std::string finding = {};  ///< well, asking, missing, refused, untrusted, unreachable or failing
  std::string code = {};     ///< what the S3 server calls it, such as NoSuchBucket
  bool operator==(const BucketAnswer&) const = default;
};

/// What came of trying the ways that media of calls take; each is "" when all went well.
struct MediaAnswer {
  std::string turn;   ///< coturn answers at its outer address, by UDP
  std::string media;  ///< LiveKit does, by TCP
  bool operator==(const MediaAnswer&) const = default;
};

/// The same of calls as a whole.
struct CallsAnswer {
  std::string gateway;  ///< people get into calls; nothing else was tried when they do not
  std::string turn = {};
  std::string media = {};
  bool operator==(const CallsAnswer&) const = default;
};

/// The storage classes of the cluster.
struct StorageClasses {
  std::set<std::string> names;
  std::set<std::string> expandable;  ///< those that let a volume grow
  std::string default_name;          ///< "" when no class is the default
  bool are_known = true;             ///< false: the operator may not read them
};

/// Everything a pass may decide on, seen at one moment. Plain data.
struct World {
  api::CompanyHomeserver resource;
  TimePoint seen_at;
  std::vector<api::Violation> violations;  ///< not empty: nothing else below may be relied on
  manifests::Tenant tenant;
  std::map<ChildId, ObjectPtr> children;
  std::vector<ObjectPtr> pods;
  StorageClasses storage_classes;
  std::set<std::string> ingress_classes;           ///< names of those that the cluster has
  bool ingress_classes_are_known = true;           ///< false: the operator may not read them
  std::optional<certificates::Facts> certificate;  ///< of the gateway's Secret
  /// It lies beside its own key, and is signed by the authority in force unless the company brought
  /// it.
  bool certificate_is_usable = false;
  /// When a certificate makes place for one of the operator's new authority; nothing when it is
  /// signed by the present one already.
  std::optional<TimePoint> reissue_at;
  /// When the trusted authorities, or reissue_at, will be others by themselves.
  std::optional<TimePoint> trust_changes_at;
  std::string authority_problem;  ///< "" when all is well with the operator's authority
  std::string signing_key_id;     ///< "ed25519:a_1b2c", from the key Secret
  std::map<std::string, std::string> rotated;  ///< what was drawn anew -> by which wish; see there
  /// StatefulSets whose pod the API server refuses to make -> what it said.
  std::map<std::string, std::string> refusals;
  std::optional<Answer> homeserver;  ///< asked once its workload is rolled out
  std::optional<Answer> gateway;
  std::optional<BucketAnswer> bucket;  ///< asked once the homeserver is rolled out
  std::optional<Answer> web;           ///< asked through the gateway, as a browser would
  std::optional<Answer> mas;           ///< asked through the gateway, as an app would

  std::optional<CallsAnswer> calls;  ///< asked once its programs are rolled out
  std::map<std::string, int>
      logins;  ///< by bridge: people who are logged in, as far as it is known

  // Of a company that has backups, in no order.
  std::vector<api::HomeserverRun> backups;
  std::vector<api::HomeserverRun> restores;

  /// The Job that asks about the database as it is now wanted has succeeded.
  bool database_is_checked = false;

  const json* child(const std::string& kind, const std::string& name) const;
};

/// The condition by which a Job ended with this outcome, "Complete" or "Failed"; null while it has
/// not. It lives as long as `job`.
const json& end_of(const json& job, const char* outcome);

}  // namespace alphorn::homeserver
