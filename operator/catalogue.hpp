#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "api/company_homeserver.hpp"
#include "manifests/tenant.hpp"

namespace alphorn {

/// Which images run and what a channel carries: the operator's configuration file, made by the
/// chart.
struct Catalogue {
  std::string postgres;
  std::string nginx;
  std::string synapse_repository;
  std::string synapse_tag_prefix;
  std::map<std::string, std::string> channels;  ///< channel -> Synapse release
  std::string postgres_exporter = {};           ///< both "" when nobody reads metrics
  std::string nginx_exporter = {};
  std::string web = {};  ///< the web client's image; "" when none is served
  std::string redis = {};
  std::string provisioner = {};  ///< has the program alphorn; "" when no directory can be run
  std::string mas = {};  ///< Matrix Authentication Service's image; "" when it is not offered
  std::map<std::string, std::string> bridges =
      {};                    ///< type -> image; a type without is not offered
  std::string livekit = {};  ///< both "" when calls are not offered
  std::string coturn = {};
  std::string lk_jwt_service = {};  ///< "" when only calls of two people are
  std::string backup = {};          ///< "" when backups are not offered
  /// How long a database's former password is taken after programs were told the new one.
  std::chrono::seconds former_login_stays{180};
  std::string monitoring_ns = {};  ///< where Prometheus runs; "" when nobody reads metrics

  /// The release a tenant runs; nothing when its channel is unknown.
  std::optional<std::string> release_of(const api::CompanyHomeserverSpec& spec) const;
  manifests::Images images_for(const std::string& release) const;
};

/// Reads the file. Throws std::runtime_error that names the file, the field and what it should
/// hold.
Catalogue read_catalogue(const std::string& path);

}  // namespace alphorn
