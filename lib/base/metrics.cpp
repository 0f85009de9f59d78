#include "base/metrics.hpp"

namespace alphorn {

const std::shared_ptr<prometheus::Registry>& metrics() {
  // Two builders of one name share the family: queues and clients come in several instances.
  static const auto registry =
      std::make_shared<prometheus::Registry>(prometheus::Registry::InsertBehavior::Merge);
  return registry;
}

}  // namespace alphorn
