#include <array>

#include "homeserver/readiness.hpp"

// The bucket of uploaded files. Without it people talk on and nobody's upload is taken.
namespace alphorn::homeserver {

namespace {

struct Finding {
  const char* name;  ///< as media_bucket.py calls it
  const char* reason;
  const char* text;
};

constexpr std::array kFindings{
    Finding{"missing", "BucketMissing", "does not exist"},
    Finding{"refused", "BucketRefused", "refuses the key or the region"},
    Finding{"untrusted", "BucketUntrusted",
            "shows a certificate of an authority that homeserver.caBundle does not have"},
    Finding{"unreachable", "BucketUnreachable",
            "cannot be reached; media.s3.networks names private networks that it is in"}};

std::string display(const api::MediaBucket& bucket) {
  const std::string where = bucket.endpoint.empty() ? "Amazon, " + bucket.region : bucket.endpoint;
  return "bucket " + bucket.bucket + " at " + where;
}

std::optional<Readiness> key_problem(const World& world, const std::string& name) {
  const json* secret = world.child("Secret", name);
  if (secret == nullptr) return not_ready("MediaKeyMissing", missing_secret(world, name));
  for (const char* key : {"access-key-id", "secret-access-key"}) {
    if (string_at(at_path(*secret, "data"), key).empty()) {
      return not_ready("MediaKeyMissing", "Secret " + name + " has no key \"" + key + "\"");
    }
  }
  return std::nullopt;
}

Readiness found(const api::MediaBucket& bucket, const BucketAnswer& answer) {
  if (answer.finding == "well") return kReady;
  const std::string which = display(bucket);
  if (answer.finding == "asking") return not_ready("Asking", which + " is being asked");
  const std::string code = answer.code.empty() ? "" : " (" + answer.code + ")";
  for (const Finding& finding : kFindings) {
    if (answer.finding == finding.name) {
      return not_ready(finding.reason, which + " " + finding.text + code + ": Secret " +
                                           bucket.secret_name + " has the key");
    }
  }
  return not_ready("BucketFailing", which + " does not take files" + code);
}

}  // namespace

Readiness media_ready(const World& world) {
  const auto& bucket = world.tenant.spec.media_bucket;
  if (!bucket) return kReady;
  return key_problem(world, bucket->secret_name).value_or(kReady);
}

Readiness bucket_ready(const World& world) {
  const auto& bucket = world.tenant.spec.media_bucket;
  if (!bucket) return kReady;
  if (!world.bucket) return not_ready("NotAsked", display(*bucket) + " has not been asked yet");
  if (!world.bucket->problem.empty()) return silent(world, "bucket", world.bucket->problem);
  return found(*bucket, *world.bucket);
}

}  // namespace alphorn::homeserver
