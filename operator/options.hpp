#pragma once

#include <optional>
#include <string>
#include <vector>

namespace alphorn {

/// The command line of alphorn-operator.
struct Options {
  std::string config;    ///< the catalogue's file
  std::string ns;        ///< where the operator itself runs
  std::string identity;  ///< this replica's name in the lease and in events
  std::vector<std::string> watch_namespaces = {};  ///< empty: the whole cluster
  std::string kubeconfig = {};  ///< outside a cluster; empty: see kube::default_client()
  std::string log_level = "info";
  int workers = 4;
  int max_requests = 0;  ///< 0: no limit
  int listen_port = 8080;
  bool leader_elect = false;
};

/// The options, or the code to exit with: help was printed (0), or what is wrong was (2).
struct Parsed {
  std::optional<Options> options;
  int exit_code = 0;
};
Parsed parse_options(int argc, char** argv);

}  // namespace alphorn
