#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.hpp"

namespace alphorn::api {

/// Where a document is that does not stand in the resource itself.
struct DocumentRef {
  enum class Kind { secret, config_map };
  Kind kind = Kind::secret;
  std::string name;
  std::string key;  ///< the document; the other keys are files beside it
  bool operator==(const DocumentRef&) const = default;
};

/// A company's people, spaces and rooms, and when its homeserver is brought to them. What the
/// document says is for the provisioner to read.
struct CompanyDirectory {
  std::string name;
  std::string ns;
  std::string uid;
  std::string created;  ///< as the API server wrote it
  std::int64_t generation = 0;
  bool deleting = false;
  std::string homeserver;  ///< name of the CompanyHomeserver
  std::string schedule;    ///< as cron writes it
  std::string time_zone;   ///< "" for that of the cluster's controllers
  bool suspended = false;
  std::optional<std::int64_t> allow_leavers;
  std::optional<DocumentRef> document_from;
  std::string server_name;         ///< as the resource says; "" with document_from
  json document = json::object();  ///< spec without the operator's own fields
  json status = json::object();    ///< as last written
};

/// The key of a document where nobody says another.
inline constexpr const char* kDocumentKey = "company.yaml";

/// Reads a custom resource. What is missing or of a wrong kind is read as its default.
CompanyDirectory company_directory_from(const json& object);

}  // namespace alphorn::api
