#include "api/homeserver_backup.hpp"

namespace alphorn::api {

HomeserverRun homeserver_run_from(const json& object, const char* kind) {
  HomeserverRun run;
  run.kind = kind;
  run.name = string_at(object, "metadata/name");
  run.ns = string_at(object, "metadata/namespace");
  run.uid = string_at(object, "metadata/uid");
  run.generation = integer_at(object, "metadata/generation");
  run.deleting = !at_path(object, "metadata/deletionTimestamp").is_null();
  run.homeserver = string_at(object, "spec/homeserverRef/name");
  run.job = string_at(object, "spec/jobRef/name");
  run.legal_hold = at_path(object, "spec/legalHold") == true;
  run.set = string_at(object, "spec/set");
  if (const json& status = at_path(object, "status"); status.is_object()) run.status = status;
  return run;
}

}  // namespace alphorn::api
