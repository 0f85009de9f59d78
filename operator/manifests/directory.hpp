#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "manifests/tenant.hpp"

// What a CompanyDirectory is made of: Jobs that run `alphorn apply`, and what these read and keep.
// It goes with the CompanyDirectory, but for the claim: it has first passwords, sealed.
namespace alphorn::manifests {

/// On everything of a CompanyDirectory: its name.
inline constexpr const char* kDirectoryLabel = "alphorn.dev/directory";
/// Annotation of Jobs and their pods: stands for the document that they apply.
inline constexpr const char* kDocument = "alphorn.dev/document";
/// The component, in labels and in the names of policies.
inline constexpr const char* kDirectory = "directory";

/// Everything that these manifests depend on besides the tenant.
struct Directory {
  std::string name;
  std::string uid;
  std::string image;            ///< has the program alphorn
  std::string fingerprint;      ///< stands for the document and how it is to be applied
  std::string file;             ///< the document's name among `files`
  json files = json::object();  ///< name -> content in base64
  std::string schedule;
  std::string time_zone;  ///< "" for that of the cluster's controllers
  std::string web_url;  ///< for the welcome sheets; "" where there is none, or the document has it
  bool is_suspended = false;
  std::optional<std::int64_t> allow_leavers;
};

std::string directory_claim(const Directory& directory);     // acme-directory
std::string directory_cron_job(const Directory& directory);  // acme-directory
std::string directory_job(const Directory& directory);       // acme-directory-0123456789
std::string directory_document(const Directory& directory);  // acme-directory-0123456789: Secret
std::string directory_policy(const Tenant& tenant);          // acme-directory

/// Where a run keeps what it must not forget; outlives the CompanyDirectory.
Manifest directory_state(const Tenant& tenant, const Directory& directory);
/// The document as a run reads it. Its name tells one content from another, so that a run applies
/// what it is said to apply.
Manifest directory_files(const Tenant& tenant, const Directory& directory);
/// Applies the document once.
Manifest directory_run(const Tenant& tenant, const Directory& directory);
/// Applies it by the schedule.
Manifest directory_runs(const Tenant& tenant, const Directory& directory);

}  // namespace alphorn::manifests
