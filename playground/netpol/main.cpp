// Enforces NetworkPolicies on the playground's one node: whenever a pod, a namespace or a policy
// changes, the nft table of netpol/rules.hpp is written anew. It stays when this program ends, so
// that nothing opens meanwhile.
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "base/run_program.hpp"
#include "controller/controller.hpp"
#include "controller/serving.hpp"
#include "netpol/rules.hpp"

using namespace alphorn;

namespace {

constexpr std::chrono::seconds kNftLimit{20};
/// There is one thing to do, whatever changed.
const kube::Key kRules{.ns = "", .name = "rules"};

std::vector<json> read_all(const controller::Informer& informer) {
  std::vector<json> objects;
  for (const controller::ObjectPtr& object : informer.store().list()) {
    objects.push_back(object->read());
  }
  return objects;
}

/// Puts the rules in force: all of them, or none when nft refuses.
void load(const std::string& rules, const std::string& file) {
  std::ofstream stream{file};
  stream << rules;
  stream.close();
  if (!stream) throw std::runtime_error(file + " cannot be written");
  output_of({.command = "nft", .arguments = {"-f", file}}, kNftLimit);
}

int run(const std::string& kubeconfig, const std::string& file) {
  std::stop_source stop;
  const controller::SignalWait signals{[&stop] { stop.request_stop(); }};
  const auto client = kube::kubeconfig_client(kubeconfig);
  controller::Informer pods{client, {.kind = kube::kinds::kPod}};
  controller::Informer namespaces{client, {.kind = kube::kinds::kNamespace, .metadata_only = true}};
  controller::Informer policies{client, {.kind = kube::kinds::kNetworkPolicy}};
  const std::vector<controller::Informer*> sources{&pods, &namespaces, &policies};

  std::string in_force;
  controller::Controller enforcer{
      {.name = "netpol", .workers = 1}, [&](const kube::Key&, const std::stop_token&) {
        std::string wanted = netpol::rules({.pods = read_all(pods),
                                            .namespaces = read_all(namespaces),
                                            .policies = read_all(policies)});
        if (wanted != in_force) {
          load(wanted, file);
          in_force = std::move(wanted);
          spdlog::info("the rules in {} are in force", file);
        }
        return controller::Outcome::done();
      }};
  for (controller::Informer* source : sources) {
    source->add_handler([&](const controller::ObjectPtr&, const controller::ObjectPtr&) {
      enforcer.queue().add(kRules);
    });
    source->start();
  }
  const bool synced = controller::wait_until_synced({&pods, &namespaces, &policies},
                                                    std::chrono::minutes{2}, stop.get_token());
  if (synced) {
    enforcer.queue().add(kRules);
    enforcer.start();
    controller::wait_until_stopped(stop.get_token());
  }
  for (controller::Informer* source : sources) source->stop();
  enforcer.stop();
  return synced || stop.stop_requested() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: alphorn-netpol KUBECONFIG RULES-FILE\n";
    return 2;
  }
  try {
    return run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    spdlog::critical("{}", error.what());
    return EXIT_FAILURE;
  }
}
