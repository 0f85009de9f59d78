#include <algorithm>
#include <array>
#include <cctype>

#include "api/rules.hpp"

namespace alphorn::api {
namespace {

// The schema's defaults once more; a contract test compares the two.
constexpr int kPort = 5432;
constexpr const char* kName = "synapse";
constexpr const char* kSecretKey = "password";
constexpr const char* kSslMode = "verify-full";

constexpr std::array<std::string_view, 4> kSslModes{"disable", "require", "verify-ca",
                                                    "verify-full"};

DatabaseMode mode_from(const std::string& mode) {
  if (mode == "cloudnative-pg") return DatabaseMode::cloudnative_pg;
  return mode == "external" ? DatabaseMode::external : DatabaseMode::builtin;
}

ExternalDatabase external_from(const json& external) {
  return {.host = string_at(external, "host"),
          .port = static_cast<int>(integer_at(external, "port", kPort)),
          .database = string_or(external, "database", kName),
          .user = string_or(external, "user", kName),
          .secret_name = string_at(external, "secretRef/name"),
          .secret_key = string_or(external, "secretRef/key", kSecretKey),
          .ssl_mode = string_or(external, "sslMode", kSslMode),
          .ca_bundle = string_at(external, "caBundle"),
          .networks = texts_at(external, "networks")};
}

/// Of a database, or of a user in it.
bool is_name(std::string_view text) {
  const auto is_letter = [](char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  return !text.empty() && text.size() <= 63 && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') ||
                  std::string_view{".@-"}.find(c) != std::string_view::npos;
         });
}

void check_external(Findings& findings, const ExternalDatabase& external) {
  findings.check(is_object_name(external.host), "spec.database.external.host",
                 "external.host must be a name in lower case or an IPv4 address");
  findings.check(external.port >= 1 && external.port <= 65535, "spec.database.external.port",
                 "external.port must be between 1 and 65535");
  findings.check(is_name(external.database) && is_name(external.user), "spec.database.external",
                 "external.database and external.user must begin with a letter or \"_\" and hold "
                 "only letters, digits and _ . @ -");
  findings.check(is_object_name(external.secret_name), "spec.database.external.secretRef",
                 R"(external.secretRef.name must hold only a-z, 0-9, "-" and ".")");
  findings.check(!external.secret_name.ends_with("-database-login"),
                 "spec.database.external.secretRef",
                 "external.secretRef.name must not end in \"-database-login\": those are the "
                 "operator's own");
  findings.check(is_key(external.secret_key), "spec.database.external.secretRef",
                 R"(external.secretRef.key must hold only a-z, A-Z, 0-9, "-", "_" and ".")");
  const bool is_known =
      std::find(kSslModes.begin(), kSslModes.end(), external.ssl_mode) != kSslModes.end();
  findings.check(is_known, "spec.database.external.sslMode",
                 "external.sslMode must be disable, require, verify-ca or verify-full");
  const bool verifies = external.ssl_mode.starts_with("verify-");
  findings.check(external.ca_bundle.empty() || verifies, "spec.database.external.caBundle",
                 R"(external.caBundle needs "sslMode: verify-ca" or "sslMode: verify-full")");
  findings.check(
      external.ca_bundle.empty() || external.ca_bundle.starts_with("-----BEGIN CERTIFICATE-----"),
      "spec.database.external.caBundle",
      "external.caBundle must be certificates in PEM, and begin with "
      "\"-----BEGIN CERTIFICATE-----\"");
  findings.check(std::all_of(external.networks.begin(), external.networks.end(), is_network),
                 "spec.database.external.networks",
                 "external.networks must hold networks with a prefix of at least 8 bits, such as "
                 "10.20.0.0/16");
}

}  // namespace

void read_database(const json& database, CompanyHomeserverSpec& spec) {
  spec.database_mode = mode_from(string_at(database, "mode"));
  if (const json& external = at_path(database, "external"); external.is_object()) {
    spec.external_database = external_from(external);
  }
  const json& instances = at_path(database, "instances");
  if (instances.is_number_integer()) spec.database_instances = instances.get<int>();
}

void check_database(Findings& findings, const CompanyHomeserverSpec& spec) {
  const bool is_external = spec.database_mode == DatabaseMode::external;
  findings.check(is_external == spec.external_database.has_value(), "spec.database.external",
                 "database.external says where the database of \"mode: external\" is, and belongs "
                 "to no other mode");
  // What is not given has its default, in which nobody can tell it from what is. Objects of before
  // there were sizes carry what is small's.
  const bool has_own_resources = spec.database_resources != database_resources_of(spec.size) &&
                                 spec.database_resources != database_resources_of(Size::small);
  const Storage unsaid = company_homeserver_from(json::object()).spec.database;
  findings.check(!is_external || (spec.database == unsaid && !has_own_resources), "spec.database",
                 "database.size, storageClassName and resources are of a database that the "
                 "operator makes: leave them out with \"mode: external\"");
  const std::optional<int>& instances = spec.database_instances;
  findings.check(!instances || spec.database_mode == DatabaseMode::cloudnative_pg,
                 "spec.database.instances", R"(database.instances needs "mode: cloudnative-pg")");
  findings.check(!instances || (*instances >= 1 && *instances <= 9), "spec.database.instances",
                 "database.instances must be between 1 and 9");
  if (spec.external_database) check_external(findings, *spec.external_database);
}

}  // namespace alphorn::api
