#pragma once

#include <memory>
#include <string>

#include "kube/client.hpp"

namespace alphorn::controller {

/// Writes Kubernetes events (events.k8s.io/v1) about an object. Never blocks and never fails the
/// caller: events are queued (bounded) and written by an own thread; repeats within ten minutes
/// become a series; a flood about one object is dropped. Thread-safe.
class EventRecorder {
 public:
  enum class Type { normal, warning };

  /// `component` is the reporting controller, e.g. "alphorn.dev/operator".
  EventRecorder(std::shared_ptr<kube::Client> client, std::string component, std::string instance);
  ~EventRecorder();

  /// `object` needs apiVersion, kind and metadata {namespace, name, uid}. `action` says what the
  /// controller did or tried ("Reconcile").
  void record(const json& object, Type type, const std::string& reason, const std::string& action,
              const std::string& message);

  /// Writes what is queued, for at most two seconds.
  void flush();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace alphorn::controller
