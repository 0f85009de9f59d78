#include "manifests/metrics.hpp"

#include "manifests/vocabulary.hpp"

namespace alphorn::manifests {
namespace {

json variable(const std::string& name, const std::string& value) {
  return {{"name", name}, {"value", value}};
}

json exporter(const std::string& image, int listen_port, std::vector<std::string> command) {
  command.push_back("--web.listen-address=:" + std::to_string(listen_port));
  json result = container("metrics", image, command);
  result["ports"] = json::array({port("metrics", listen_port)});
  result["resources"] = resources("5m", "16Mi", "200m", "64Mi");
  return result;
}

}  // namespace

json database_exporter(const Tenant& tenant, const std::string& socket_folder) {
  json result =
      exporter(tenant.images.postgres_exporter, kDatabaseMetricsPort, {"postgres_exporter"});
  result["securityContext"]["runAsUser"] = kDefaultUser;
  // No password is in it: there is none.
  result["env"] = json::array(
      {variable("DATA_SOURCE_NAME", "host=" + socket_folder +
                                        " user=alphorn_metrics dbname=postgres sslmode=disable")});
  result["volumeMounts"] =
      json::array({mount("sockets", socket_folder), mount("metrics-tmp", "/tmp")});
  return result;
}

json gateway_exporter(const Tenant& tenant) {
  const std::string status = "http://127.0.0.1:" + std::to_string(kGatewayStatusPort) + "/status";
  json result = exporter(tenant.images.nginx_exporter, kGatewayMetricsPort,
                         {"nginx-prometheus-exporter", "--nginx.scrape-uri=" + status});
  // Releases before 1.0 end when nginx is not there yet; later ones do not know these.
  result["env"] =
      json::array({variable("NGINX_RETRIES", "60"), variable("NGINX_RETRY_INTERVAL", "1s")});
  result["volumeMounts"] = json::array({mount("metrics-tmp", "/tmp")});
  return result;
}

std::string gateway_status() {
  return "server {\n  listen 127.0.0.1:" + std::to_string(kGatewayStatusPort) +
         ";\n  access_log off;\n  location = /status {\n    stub_status;\n  }\n"
         "  location / {\n    return 404;\n  }\n}\n";
}

}  // namespace alphorn::manifests
