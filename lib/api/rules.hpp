#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/company_homeserver.hpp"
#include "api/quantity.hpp"

/// What the files of this library share and nobody else sees: reading fields, and rules for them.
namespace alphorn::api {

/// The text at the path, or `otherwise` when there is none.
std::string string_or(const json& object, const char* path, const std::string& otherwise);
/// The texts of the list at the path; what else is in it is left out.
std::vector<std::string> texts_at(const json& object, const char* path);

Calls calls_from(const json& calls);
Authentication authentication_from(const json& authentication);
/// Nothing when no bucket is named.
std::optional<MediaBucket> media_bucket_from(const json& s3);

/// Nothing when there is no such field.
std::optional<Backup> backup_from(const json& backup);
/// Where backups lie, as a CompanyHomeserver or a HomeserverRestore says it.
BackupRepository backup_repository_from(const json& repository);

/// What is said of the database, except its volume and resources.
void read_database(const json& database, CompanyHomeserverSpec& spec);

/// How large it is, and what follows from it unless it is said: resources and workers. The
/// federation is read before: without one, no process is there for it.
void read_size(const json& spec, CompanyHomeserverSpec& result);

/// What a database of that size gets unless it is said.
json database_resources_of(Size size);

/// What a program gets unless it is said.
struct Amounts {
  const char* request_cpu;
  const char* request_memory;
  const char* limit_cpu;
  const char* limit_memory;
};
json resources_from(const json& resources, const Amounts& defaults);

std::vector<Bridge> bridges_from(const json& bridges);

/// Collects what is wrong, in the order of the schema.
class Findings {
 public:
  void check(bool holds, const char* field, const std::string& message) {
    if (!holds) violations_.push_back({field, message});
  }
  std::vector<Violation> take() { return std::move(violations_); }

 private:
  std::vector<Violation> violations_;
};

/// At least two labels, the last not a number: no address, no bare host.
bool is_domain(std::string_view text);
/// a-z, 0-9 and inner "-", at most 63 of them.
bool is_label(std::string_view text);
/// What Kubernetes takes as a name, roughly: a-z, 0-9 and inner "-" and ".".
bool is_object_name(std::string_view text);
/// A key of a Secret: letters, digits, "-", "_" and ".".
bool is_key(std::string_view text);
/// A name with an optional domain before it, as Kubernetes spells keys and classes.
bool is_qualified_name(std::string_view text);
/// An annotation that the operator alone may set.
bool is_ours(std::string_view annotation);
/// An address and a prefix of at least 8 bits: "10.20.0.0/16".
bool is_network(std::string_view text);
/// A domain, perhaps with a port: what other servers call a Matrix server.
bool is_server_name(std::string_view text);
/// "https://", a host, perhaps a port, perhaps a path; no query.
bool is_https_url(std::string_view text);

/// `short_name` is how the message calls them: "resources".
void check_resources(Findings& findings, const json& resources, const char* field,
                     const std::string& short_name);
void check_size(Findings& findings, const CompanyHomeserverSpec& spec);
/// The API server stores anything above 2^63-1 as that number: what we send would differ from what
/// is stored for ever. Nothing at all is another rule's matter.
bool can_be_counted(const std::optional<Quantity>& amount);
bool is_positive(const std::optional<Quantity>& amount);
void check_media_bucket(Findings& findings, const MediaBucket& bucket);
/// A bucket of a server by the S3 protocol, as files and backups name one.
struct BucketAddress {
  std::string bucket;
  std::string region;
  std::string endpoint;
  std::string prefix;
  std::string secret_name;
};
/// `example` is how folders may be called: "acme/media/".
void check_bucket_address(Findings& findings, const char* field, const BucketAddress& address,
                          const std::string& example);
void check_backup(Findings& findings, const Backup& backup);
void check_authentication(Findings& findings, const Authentication& authentication);
void check_database(Findings& findings, const CompanyHomeserverSpec& spec);
void check_calls(Findings& findings, const CompanyHomeserverSpec& spec);
void check_mas(Findings& findings, const CompanyHomeserverSpec& spec);
/// `company` is the name of the resource.
void check_bridges(Findings& findings, const std::string& company,
                   const CompanyHomeserverSpec& spec);

}  // namespace alphorn::api
