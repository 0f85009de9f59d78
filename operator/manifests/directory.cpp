#include "manifests/directory.hpp"

#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

constexpr const char* kDocumentFolder = "/document";
constexpr const char* kPasswordFolder = "/password";
constexpr const char* kStateFolder = "/state";
constexpr const char* kLastWords = "/dev/termination-log";
constexpr const char* kStateSize = "1Gi";
constexpr std::size_t kHashLength = 10;
constexpr int kGraceSeconds = 60;           // what is under way is finished
constexpr int kDeadlineSeconds = 6 * 3600;  // thousands of people on a slow server
constexpr int kRetries = 2;
constexpr int kFutile = 3;  // the exit code of a run that another try would not help
constexpr int kKeptSeconds = 24 * 3600;
constexpr int kLatestStartSeconds = 3600;  // a night in which nothing could run is made up for

std::string suffixed(const Directory& directory) { return directory.name + "-" + kDirectory; }

std::string of_document(const Directory& directory) {
  return suffixed(directory) + "-" + directory.fingerprint.substr(0, kHashLength);
}

json owner(const Directory& directory) {
  return {{"apiVersion", std::string{api::kGroup} + "/" + api::kVersion},
          {"kind", "CompanyDirectory"},
          {"name", directory.name},
          {"uid", directory.uid},
          {"controller", true},
          {"blockOwnerDeletion", false}};
}

json labelled(json metadata, const Directory& directory) {
  metadata["labels"][kDirectoryLabel] = directory.name;
  return metadata;
}

/// Of what goes with the CompanyDirectory.
json own_metadata(const Tenant& tenant, const Directory& directory, const std::string& name) {
  json result = labelled(metadata(tenant, kDirectory, name), directory);
  result["ownerReferences"] = json::array({owner(directory)});
  return result;
}

json marks(const Directory& directory) { return {{kDocument, directory.fingerprint}}; }

json run(const Tenant& tenant, const Directory& directory) {
  std::vector<std::string> command{"alphorn",
                                   "apply",
                                   directory.file,
                                   "--homeserver=" + homeserver_url(tenant),
                                   "--account=" + tenant.spec.administrator,
                                   std::string{"--password-file="} + kPasswordFolder + "/password",
                                   std::string{"--state="} + kStateFolder,
                                   std::string{"--termination-message="} + kLastWords,
                                   "--yes",
                                   "--output=json"};
  if (!directory.web_url.empty()) command.push_back("--web=" + directory.web_url);
  if (directory.allow_leavers) {
    command.push_back("--allow-leavers=" + std::to_string(*directory.allow_leavers));
  }
  json result = container("alphorn", directory.image, command);
  // Problems of a document then name it as its author does.
  result["workingDir"] = kDocumentFolder;
  result["env"] = json::array({{{"name", "HOME"}, {"value", "/tmp"}}});
  result["resources"] = resources("50m", "64Mi", "1", "512Mi");
  result["volumeMounts"] = json::array({read_only_mount("document", kDocumentFolder),
                                        read_only_mount("password", kPasswordFolder),
                                        mount("state", kStateFolder), mount("tmp", "/tmp")});
  return result;
}

json pod(const Tenant& tenant, const Directory& directory) {
  json password = secret_volume("password", administrator_secret(tenant));
  password["secret"]["items"] = json::array({{{"key", "password"}, {"path", "password"}}});
  json spec = pod_spec(tenant, kDefaultUser, kGraceSeconds);
  spec["restartPolicy"] = "Never";
  spec["containers"] = json::array({run(tenant, directory)});
  spec["volumes"] = json::array({secret_volume("document", directory_document(directory)), password,
                                 claim_volume("state", directory_claim(directory)),
                                 scratch_volume("tmp", "16Mi")});
  return {{"metadata", labelled(pod_metadata(tenant, kDirectory, marks(directory)), directory)},
          {"spec", spec}};
}

json job_spec(const Tenant& tenant, const Directory& directory) {
  const json futile = {
      {"action", "FailJob"},
      {"onExitCodes",
       {{"containerName", "alphorn"}, {"operator", "In"}, {"values", json::array({kFutile})}}}};
  return {{"backoffLimit", kRetries},
          {"podFailurePolicy", {{"rules", json::array({futile})}}},
          {"activeDeadlineSeconds", kDeadlineSeconds},
          {"ttlSecondsAfterFinished", kKeptSeconds},
          {"template", pod(tenant, directory)}};
}

}  // namespace

std::string directory_claim(const Directory& directory) { return suffixed(directory); }
std::string directory_cron_job(const Directory& directory) { return suffixed(directory); }
std::string directory_job(const Directory& directory) { return of_document(directory); }
std::string directory_document(const Directory& directory) { return of_document(directory); }
std::string directory_policy(const Tenant& tenant) { return tenant.name + "-" + kDirectory; }

Manifest directory_state(const Tenant& tenant, const Directory& directory) {
  const std::string name = directory_claim(directory);
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolumeClaim"},
          {"metadata", labelled(kept_metadata(tenant, kDirectory, name), directory)},
          {"spec",
           {{"accessModes", json::array({"ReadWriteOnce"})},
            {"resources", {{"requests", {{"storage", kStateSize}}}}}}}};
}

Manifest directory_files(const Tenant& tenant, const Directory& directory) {
  json meta = own_metadata(tenant, directory, directory_document(directory));
  meta["annotations"] = marks(directory);
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", meta},
          {"type", "Opaque"},
          {"data", directory.files}};
}

Manifest directory_run(const Tenant& tenant, const Directory& directory) {
  json meta = own_metadata(tenant, directory, directory_job(directory));
  meta["annotations"] = marks(directory);
  return {{"apiVersion", "batch/v1"},
          {"kind", "Job"},
          {"metadata", meta},
          {"spec", job_spec(tenant, directory)}};
}

Manifest directory_runs(const Tenant& tenant, const Directory& directory) {
  json spec = {
      {"schedule", directory.schedule},
      {"suspend", directory.is_suspended},
      {"concurrencyPolicy", "Forbid"},
      {"startingDeadlineSeconds", kLatestStartSeconds},
      {"successfulJobsHistoryLimit", 1},
      {"failedJobsHistoryLimit", 1},
      {"jobTemplate",
       {{"metadata", labelled(pod_metadata(tenant, kDirectory, marks(directory)), directory)},
        {"spec", job_spec(tenant, directory)}}}};
  if (!directory.time_zone.empty()) spec["timeZone"] = directory.time_zone;
  return {{"apiVersion", "batch/v1"},
          {"kind", "CronJob"},
          {"metadata", own_metadata(tenant, directory, directory_cron_job(directory))},
          {"spec", spec}};
}

}  // namespace alphorn::manifests
