#include <algorithm>
#include <cctype>

#include "api/rules.hpp"

namespace alphorn::api {
namespace {

// The schema's defaults once more; a contract test compares the two.
constexpr const char* kRegion = "us-east-1";
constexpr const char* kStorageClass = "STANDARD";
constexpr const char* kKeepLocal = "30d";
constexpr std::string_view kScheme = "https://";

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_bucket(std::string_view text) {
  return text.size() >= 3 && text.size() <= 63 && is_object_name(text);
}

bool is_endpoint(std::string_view text) {
  return is_https_url(text) && text.find('/', kScheme.size()) == std::string_view::npos;
}

bool is_prefix(std::string_view text) {
  if (text.empty()) return true;
  return text.size() <= 200 && is_alphanumeric(text.front()) && text.back() == '/' &&
         text.find("//") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || std::string_view{"._-/"}.find(c) != std::string_view::npos;
         });
}

}  // namespace

void check_bucket_address(Findings& findings, const char* field, const BucketAddress& address,
                          const std::string& example) {
  findings.check(is_bucket(address.bucket), field,
                 R"(s3.bucket must hold 3 to 63 of a-z, 0-9, "-" and ".")");
  findings.check(is_label(address.region), field,
                 "s3.region must hold only a-z, 0-9 and inner \"-\", such as eu-central-2");
  findings.check(address.endpoint.empty() || is_endpoint(address.endpoint), field,
                 "s3.endpoint must be an https URL without a path, such as "
                 "https://s3.acme.example");
  findings.check(is_prefix(address.prefix), field,
                 "s3.prefix must be folders that end with \"/\", such as " + example);
  findings.check(is_object_name(address.secret_name), field,
                 R"(s3.secretRef.name must hold only a-z, 0-9, "-" and ".")");
}

std::optional<MediaBucket> media_bucket_from(const json& s3) {
  if (!s3.is_object()) return std::nullopt;
  return MediaBucket{.bucket = string_at(s3, "bucket"),
                     .region = string_or(s3, "region", kRegion),
                     .endpoint = string_at(s3, "endpoint"),
                     .prefix = string_at(s3, "prefix"),
                     .secret_name = string_at(s3, "secretRef/name"),
                     .storage_class = string_or(s3, "storageClass", kStorageClass),
                     .keep_local = string_or(s3, "keepLocal", kKeepLocal),
                     .networks = texts_at(s3, "networks")};
}

void check_media_bucket(Findings& findings, const MediaBucket& bucket) {
  constexpr const char* kField = "spec.homeserver.media.s3";
  check_bucket_address(findings, kField,
                       {.bucket = bucket.bucket,
                        .region = bucket.region,
                        .endpoint = bucket.endpoint,
                        .prefix = bucket.prefix,
                        .secret_name = bucket.secret_name},
                       "acme/media/");
  findings.check(hours_of(bucket.keep_local) > 0, kField,
                 "s3.keepLocal must be a whole number of h, d or w, such as 30d");
  findings.check(std::all_of(bucket.networks.begin(), bucket.networks.end(), is_network), kField,
                 "s3.networks must hold networks with a prefix of at least 8 bits, such as "
                 "10.20.0.0/16");
}

}  // namespace alphorn::api
