// A whole operator: every ConfigMap with the label example/copy-to is kept equal to a copy of its
// data in the namespace that the label names. ../README.md explains it line by line.
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <iostream>

#include "controller/controller.hpp"
#include "controller/serving.hpp"
#include "controller/written.hpp"

using namespace alphorn;
using kube::kinds::kConfigMap;

namespace {

constexpr const char* kCopyTo = "example/copy-to";
constexpr const char* kCopyOf = "example/copy-of";

controller::InformerOptions labelled(const char* label) {
  return {.kind = kConfigMap, .label_selector = label};
}

int run(const std::string& kubeconfig) {
  std::stop_source stop;
  const controller::SignalWait signals{[&stop] { stop.request_stop(); }};
  const auto client = kube::kubeconfig_client(kubeconfig);
  controller::Informer sources{client, labelled(kCopyTo)};
  controller::Informer copies{client, labelled(kCopyOf)};
  controller::WrittenVersions written;

  controller::Controller copier{
      {.name = "copier", .workers = 2}, [&](const kube::Key& key, const std::stop_token& pass) {
        const auto store_of = [&](const kube::Kind&) { return &copies.store(); };
        if (!written.caught_up(key, store_of)) {
          return controller::Outcome::again_in(std::chrono::seconds{1});
        }
        const controller::ObjectPtr cached = sources.store().get(key);
        if (!cached) return controller::Outcome::done();
        const json source = cached->read();
        const json& wanted = at_path(source, "data");
        const kube::Key place{at_path(source, "metadata/labels").at(kCopyTo), key.name};
        const controller::ObjectPtr copy = copies.store().get(place);
        if (copy && at_path(copy->read(), "data") == wanted) return controller::Outcome::done();
        const json manifest = {
            {"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata",
             {{"name", place.name}, {"namespace", place.ns}, {"labels", {{kCopyOf, key.ns}}}}},
            {"data", wanted}};
        written.record(key, kConfigMap,
                       client->apply(kConfigMap, manifest, {.field_manager = "copier"}, pass));
        return controller::Outcome::done();
      }};
  sources.add_handler([&](const controller::ObjectPtr& before, const controller::ObjectPtr& after) {
    copier.queue().add((after ? after : before)->key());
  });
  copies.add_handler([&](const controller::ObjectPtr& before, const controller::ObjectPtr& after) {
    const json copy = (after ? after : before)->read();
    copier.queue().add(
        {at_path(copy, "metadata/labels").at(kCopyOf), string_at(copy, "metadata/name")});
  });
  sources.start();
  copies.start();
  const bool synced =
      controller::wait_until_synced({&sources, &copies}, std::chrono::minutes{2}, stop.get_token());
  if (synced) {
    copier.start();
    controller::wait_until_stopped(stop.get_token());
  }
  // The informers' handlers fill the copier's queue: they end before it does.
  sources.stop();
  copies.stop();
  copier.stop();
  return synced || stop.stop_requested() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: copier KUBECONFIG\n";
    return 2;
  }
  try {
    return run(argv[1]);
  } catch (const std::exception& error) {
    spdlog::critical("{}", error.what());
    return EXIT_FAILURE;
  }
}
