#include <algorithm>
#include <array>

#include "api/rules.hpp"

namespace alphorn::api {
namespace {

using Counts = std::map<WorkerRole, int>;

/// What a size stands for.
struct Preset {
  Amounts homeserver;
  Amounts worker;
  Amounts database;
  Counts workers;
};

constexpr std::array kOfFederation{WorkerRole::federation, WorkerRole::sender};

// The amounts stand in the schema once more, where it compares requests with limits; a contract
// test compares the two.
const Preset& preset_of(Size size) {
  using enum WorkerRole;
  static const Preset small{.homeserver = {"100m", "256Mi", "2", "1Gi"},
                            .worker = {"50m", "160Mi", "2", "1Gi"},
                            .database = {"100m", "128Mi", "2", "512Mi"},
                            .workers = {}};
  static const Preset medium{.homeserver = {"200m", "512Mi", "2", "2Gi"},
                             .worker = {"50m", "192Mi", "2", "1Gi"},
                             .database = {"250m", "512Mi", "2", "2Gi"},
                             .workers = {{sync, 1},
                                         {client, 1},
                                         {creator, 1},
                                         {persister, 1},
                                         {writer, 1},
                                         {media, 1},
                                         {federation, 1},
                                         {sender, 1}}};
  static const Preset large{.homeserver = {"500m", "1Gi", "2", "4Gi"},
                            .worker = {"250m", "384Mi", "2", "2Gi"},
                            .database = {"1", "2Gi", "4", "8Gi"},
                            .workers = {{sync, 4},
                                        {client, 2},
                                        {creator, 2},
                                        {persister, 2},
                                        {writer, 1},
                                        {media, 1},
                                        {pusher, 1},
                                        {federation, 2},
                                        {sender, 2}}};
  switch (size) {
    case Size::small:
      return small;
    case Size::medium:
      return medium;
    case Size::large:
      break;
  }
  return large;
}

Size size_from(const std::string& size) {
  if (size == "medium") return Size::medium;
  return size == "large" ? Size::large : Size::small;
}

/// A quantity may be written as a number too.
std::string amount(const json& resources, const char* path, const char* otherwise) {
  const json& value = at_path(resources, path);
  if (value.is_null()) return otherwise;
  return canonical_quantity(value.is_string() ? value.get<std::string>() : value.dump());
}

Counts counts_from(const json& workers, const Preset& preset, bool federates) {
  Counts counts;
  for (const WorkerKind& kind : worker_kinds()) {
    const auto usual = preset.workers.find(kind.role);
    int count = usual == preset.workers.end() ? 0 : usual->second;
    const bool is_idle = !federates && std::find(kOfFederation.begin(), kOfFederation.end(),
                                                 kind.role) != kOfFederation.end();
    if (is_idle) count = 0;
    const json& asked = at_path(workers, kind.name);
    if (asked.is_number_integer()) count = asked.get<int>();
    counts[kind.role] = count;
  }
  return counts;
}

}  // namespace

json resources_from(const json& resources, const Amounts& defaults) {
  return {{"requests",
           {{"cpu", amount(resources, "requests/cpu", defaults.request_cpu)},
            {"memory", amount(resources, "requests/memory", defaults.request_memory)}}},
          {"limits",
           {{"cpu", amount(resources, "limits/cpu", defaults.limit_cpu)},
            {"memory", amount(resources, "limits/memory", defaults.limit_memory)}}}};
}

const std::vector<WorkerKind>& worker_kinds() {
  static const std::vector<WorkerKind> kinds{
      {WorkerRole::sync, "sync", 16},       {WorkerRole::client, "client", 16},
      {WorkerRole::creator, "creator", 16}, {WorkerRole::persister, "persister", 8},
      {WorkerRole::writer, "writer", 1},    {WorkerRole::media, "media", 1},
      {WorkerRole::pusher, "pusher", 8},    {WorkerRole::federation, "federation", 8},
      {WorkerRole::sender, "sender", 8}};
  return kinds;
}

std::string name_of(WorkerRole role) {
  const auto& kinds = worker_kinds();
  return std::find_if(kinds.begin(), kinds.end(),
                      [&](const WorkerKind& kind) { return kind.role == role; })
      ->name;
}

void read_size(const json& spec, CompanyHomeserverSpec& result) {
  result.size = size_from(string_at(spec, "size"));
  const Preset& preset = preset_of(result.size);
  const json& workers = at_path(spec, "homeserver/workers");
  result.homeserver_resources =
      resources_from(at_path(spec, "homeserver/resources"), preset.homeserver);
  result.database_resources = resources_from(at_path(spec, "database/resources"), preset.database);
  result.workers = {
      .counts = counts_from(workers, preset, result.federation.mode != Federation::Mode::closed),
      .resources = resources_from(at_path(workers, "resources"), preset.worker)};
}

json database_resources_of(Size size) {
  return resources_from(json::object(), preset_of(size).database);
}

void check_resources(Findings& findings, const json& resources, const char* field,
                     const std::string& short_name) {
  const auto quantity = [&](const char* path) {
    return Quantity::parse(string_at(resources, path));
  };
  const auto request_cpu = quantity("requests/cpu");
  const auto limit_cpu = quantity("limits/cpu");
  const auto request_memory = quantity("requests/memory");
  const auto limit_memory = quantity("limits/memory");
  findings.check(is_positive(request_cpu) && is_positive(limit_cpu), field,
                 "cpu must be a number of cores, such as 500m, 0.5 or 2");
  findings.check(is_positive(request_memory) && is_positive(limit_memory), field,
                 "memory must be a whole number with an optional unit, such as 512Mi");
  findings.check(can_be_counted(request_memory) && can_be_counted(limit_memory), field,
                 "memory must be at most 8E, more cannot be counted");
  findings.check(!request_cpu || !limit_cpu || *request_cpu <= *limit_cpu, field,
                 short_name + ".requests.cpu must not exceed " + short_name + ".limits.cpu");
  findings.check(!request_memory || !limit_memory || *request_memory <= *limit_memory, field,
                 short_name + ".requests.memory must not exceed " + short_name + ".limits.memory");
}

void check_size(Findings& findings, const CompanyHomeserverSpec& spec) {
  check_resources(findings, spec.homeserver_resources, "spec.homeserver.resources", "resources");
  check_resources(findings, spec.workers.resources, "spec.homeserver.workers.resources",
                  "workers.resources");
  for (const WorkerKind& kind : worker_kinds()) {
    const int count = spec.workers.counts.at(kind.role);
    findings.check(count >= 0 && count <= kind.most, "spec.homeserver.workers",
                   std::string{"homeserver.workers."} + kind.name + " must be between 0 and " +
                       std::to_string(kind.most));
  }
  const bool federates = spec.federation.mode != Federation::Mode::closed;
  const bool is_idle = std::any_of(kOfFederation.begin(), kOfFederation.end(), [&](auto role) {
    return !federates && spec.workers.counts.at(role) > 0;
  });
  findings.check(!is_idle, "spec.homeserver.workers",
                 "homeserver.workers.federation and homeserver.workers.sender talk to other "
                 "servers: they need \"federation.mode: allowlist\" or \"federation.mode: open\"");
}

bool is_positive(const std::optional<Quantity>& amount) {
  return amount && *amount > *Quantity::parse("0");
}

bool can_be_counted(const std::optional<Quantity>& amount) {
  return !amount || *amount <= *Quantity::parse("8E");
}

}  // namespace alphorn::api
