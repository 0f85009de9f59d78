#include "options.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>

#include "base/secret.hpp"

namespace alphorn {

namespace {

constexpr std::size_t kHostNameSize = 256;
constexpr std::size_t kSuffixLength = 6;
constexpr int kUsageError = 2;

std::string default_identity() {
  std::array<char, kHostNameSize> name{};
  gethostname(name.data(), name.size() - 1);
  return std::string(name.data()) + "-" + random_token(kSuffixLength).reveal();
}

}  // namespace

Parsed parse_options(int argc, char** argv) {
  Options options{.config = "", .ns = "alphorn-system", .identity = default_identity()};
  CLI::App app{"Hosts one Matrix homeserver per CompanyHomeserver resource."};
  app.add_option("--config", options.config, "Catalogue of images and channels (YAML file)")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--namespace", options.ns, "Namespace of the operator itself")
      ->capture_default_str();
  app.add_option("--watch-namespaces", options.watch_namespaces,
                 "Namespaces whose tenants are looked after, with commas between (default: all)")
      ->delimiter(',');
  app.add_option("--identity", options.identity, "Name of this replica in the leader lease");
  app.add_option(
      "--kubeconfig", options.kubeconfig,
      "Cluster to work on (default: the files of $KUBECONFIG, else the cluster this pod runs in)");
  app.add_option("--log-level", options.log_level, "trace, debug, info, warn, error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
      ->capture_default_str();
  app.add_option("--workers", options.workers, "Tenants reconciled at the same time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--max-requests-in-flight", options.max_requests,
                 "Requests to the API server under way at a time, watches and the lease apart "
                 "(default: no limit, the server's own fairness decides)")
      ->check(CLI::Range(1, 1000));
  app.add_option("--listen-port", options.listen_port, "Port of /metrics, /livez and /readyz")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  app.add_flag("--leader-elect", options.leader_elect,
               "Work only while holding the lease: needed with several replicas");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {.options = std::nullopt, .exit_code = app.exit(error) == 0 ? 0 : kUsageError};
  }
  return {.options = options};
}

}  // namespace alphorn
