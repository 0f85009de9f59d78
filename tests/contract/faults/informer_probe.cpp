#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "base/log.hpp"
#include "controller/controller.hpp"
#include "controller/informer.hpp"
#include "controller/serving.hpp"
#include "kube/credentials.hpp"

/// Prints what an informer of one namespace's ConfigMaps tells, a line an event, until SIGTERM:
/// "synced", "added NAME", "changed NAME", "deleted NAME".
///
///     informer_probe KUBECONFIG NAMESPACE IDLE-SECONDS stream|pages
int main(int argc, char** argv) {
  using namespace alphorn;
  if (argc != 5) return EXIT_FAILURE;
  std::stop_source stop;
  const controller::SignalWait signals{[&stop] { stop.request_stop(); }};
  log_as_json("info");
  controller::InformerOptions options{.kind = kube::kinds::kConfigMap, .ns = argv[2]};
  options.idle = std::chrono::seconds{std::stoi(argv[3])};
  options.streaming_list = std::string{argv[4]} == "stream";
  controller::Informer informer{kube::kubeconfig_client(argv[1]), options};
  informer.add_handler([](const controller::ObjectPtr& before, const controller::ObjectPtr& after) {
    const char* what = before == nullptr ? "added " : after == nullptr ? "deleted " : "changed ";
    std::cout << what << (after == nullptr ? before : after)->key().name << std::endl;
  });
  informer.start();
  if (controller::wait_until_synced({&informer}, std::chrono::seconds{60}, stop.get_token())) {
    std::cout << "synced" << std::endl;
    controller::wait_until_stopped(stop.get_token());
  }
  return EXIT_SUCCESS;
}
