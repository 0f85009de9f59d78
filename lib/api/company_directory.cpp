#include "api/company_directory.hpp"

#include <array>

#include "api/rules.hpp"

namespace alphorn::api {
namespace {

// The schema's default once more.
constexpr const char* kSchedule = "30 3 * * *";

/// What of spec is the operator's, and no part of the document.
constexpr std::array kOperatorsFields{"homeserverRef", "schedule",     "timeZone",
                                      "suspend",       "allowLeavers", "documentFrom"};

std::optional<DocumentRef> document_ref_from(const json& from) {
  for (const auto& [field, kind] : {std::pair{"secretRef", DocumentRef::Kind::secret},
                                    std::pair{"configMapRef", DocumentRef::Kind::config_map}}) {
    const json& reference = at_path(from, field);
    if (!reference.is_object()) continue;
    return DocumentRef{.kind = kind,
                       .name = string_at(reference, "name"),
                       .key = string_or(reference, "key", kDocumentKey)};
  }
  return std::nullopt;
}

}  // namespace

CompanyDirectory company_directory_from(const json& object) {
  CompanyDirectory directory;
  directory.name = string_at(object, "metadata/name");
  directory.ns = string_at(object, "metadata/namespace");
  directory.uid = string_at(object, "metadata/uid");
  directory.created = string_at(object, "metadata/creationTimestamp");
  directory.generation = integer_at(object, "metadata/generation");
  directory.deleting = !at_path(object, "metadata/deletionTimestamp").is_null();
  const json& spec = at_path(object, "spec");
  directory.homeserver = string_or(spec, "homeserverRef/name", directory.name);
  directory.schedule = string_or(spec, "schedule", kSchedule);
  directory.time_zone = string_at(spec, "timeZone");
  directory.suspended = at_path(spec, "suspend") == true;
  if (const json& most = at_path(spec, "allowLeavers"); most.is_number_integer()) {
    directory.allow_leavers = most.get<std::int64_t>();
  }
  directory.document_from = document_ref_from(at_path(spec, "documentFrom"));
  directory.server_name = string_at(spec, "serverName");
  if (spec.is_object()) directory.document = spec;
  for (const char* field : kOperatorsFields) directory.document.erase(field);
  if (const json& status = at_path(object, "status"); status.is_object()) {
    directory.status = status;
  }
  return directory;
}

}  // namespace alphorn::api
