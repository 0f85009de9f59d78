#include "catalogue.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/json.hpp"

namespace alphorn {

namespace {

constexpr std::int64_t kFormerLogin = 180;

std::string read_file(const std::string& path) {
  std::ifstream file{path};
  if (!file) throw std::runtime_error(path + ": cannot be read; give the catalogue with --config");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string required(const std::string& path, const json& document, const std::string& field) {
  std::string value = string_at(document, field);
  if (value.empty()) throw std::runtime_error(path + ": " + field + " is missing or no string");
  return value;
}

}  // namespace

std::optional<std::string> Catalogue::release_of(const api::CompanyHomeserverSpec& spec) const {
  if (!spec.version.empty()) return spec.version;
  const auto found = channels.find(spec.channel);
  if (found == channels.end()) return std::nullopt;
  return found->second;
}

manifests::Images Catalogue::images_for(const std::string& release) const {
  return {.postgres = postgres,
          .synapse = synapse_repository + ":" + synapse_tag_prefix + release,
          .nginx = nginx,
          .postgres_exporter = postgres_exporter,
          .nginx_exporter = nginx_exporter,
          .web = web,
          .redis = redis,
          .mas = mas,
          .bridges = bridges,
          .livekit = livekit,
          .coturn = coturn,
          .lk_jwt_service = lk_jwt_service,
          .backup = backup};
}

Catalogue read_catalogue(const std::string& path) {
  json document;
  try {
    document = from_yaml(read_file(path));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
  Catalogue catalogue{.postgres = required(path, document, "images/postgres"),
                      .nginx = required(path, document, "images/nginx"),
                      .synapse_repository = required(path, document, "images/synapse/repository"),
                      .synapse_tag_prefix = string_at(document, "images/synapse/tagPrefix"),
                      .channels = {},
                      .web = string_at(document, "images/web"),
                      .mas = string_at(document, "images/mas"),
                      .former_login_stays = std::chrono::seconds{integer_at(
                          document, "database/formerLoginSeconds", kFormerLogin)},
                      .monitoring_ns = string_at(document, "monitoring/namespace")};
  catalogue.redis = required(path, document, "images/redis");
  catalogue.livekit = string_at(document, "images/livekit");
  catalogue.coturn = string_at(document, "images/coturn");
  catalogue.lk_jwt_service = string_at(document, "images/lkJwtService");
  catalogue.backup = string_at(document, "images/backup");
  catalogue.provisioner = string_at(document, "images/provisioner");
  if (!catalogue.monitoring_ns.empty()) {
    catalogue.postgres_exporter = required(path, document, "images/postgresExporter");
    catalogue.nginx_exporter = required(path, document, "images/nginxExporter");
  }
  for (const auto& [type, image] : at_path(document, "images/bridges").items()) {
    if (image.is_string() && !image.get<std::string>().empty()) {
      catalogue.bridges[type] = image.get<std::string>();
    }
  }
  for (const auto& [channel, release] : at_path(document, "channels").items()) {
    if (!release.is_string()) {
      std::string problem = path;
      problem.append(": channels/").append(channel).append(" must be a release in quotes");
      throw std::runtime_error(problem);
    }
    catalogue.channels[channel] = release.get<std::string>();
  }
  return catalogue;
}

}  // namespace alphorn
