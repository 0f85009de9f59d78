#include "homeserver/calls.hpp"

#include <algorithm>

#include "homeserver/readiness.hpp"
#include "manifests/calls.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::homeserver {

namespace {

using manifests::Tenant;

bool is_balanced(const Tenant& tenant) {
  return tenant.spec.calls.mode == api::Calls::Mode::load_balancer;
}

/// The port of the node that leads to this one of the Service.
std::optional<int> node_port(const json* service, const std::string& name) {
  if (service == nullptr) return std::nullopt;
  for (const json& port : at_path(*service, "spec/ports")) {
    const std::int64_t number = integer_at(port, "nodePort");
    if (string_at(port, "name") == name && number > 0) return static_cast<int>(number);
  }
  return std::nullopt;
}

std::string balanced_address(const json* service) {
  if (service == nullptr) return "";
  for (const json& entry : at_path(*service, "status/loadBalancer/ingress")) {
    if (std::string ip = string_at(entry, "ip"); !ip.empty()) return ip;
  }
  return "";
}

/// Of the node that runs the program. Of several the one that is known already, so that nothing
/// changes while one pod takes another's place.
std::string node_address(const World& world, const std::string& component,
                         const std::string& known) {
  std::string first;
  for (const ObjectPtr& pod : world.pods) {
    if (manifests::label_of(*pod, "app.kubernetes.io/name") != component || is_going(*pod))
      continue;
    const std::string address = string_at(*pod, "status/hostIP");
    if (address == known) return known;
    if (first.empty()) first = address;
  }
  return first.empty() ? known : first;
}

std::string address_of(const World& world, const std::string& component,
                       const std::string& service_name) {
  const api::Calls& wanted = world.tenant.spec.calls;
  if (!wanted.address.empty()) return wanted.address;
  const json* service = world.child("Service", service_name);
  if (is_balanced(world.tenant)) return balanced_address(service);
  const std::string known =
      service == nullptr ? "" : manifests::annotation_of(*service, manifests::kFoundAddress);
  return node_address(world, component, known);
}

/// What the Services lack, without which nobody can be told where to send media.
std::optional<Readiness> entrance_problem(const World& world) {
  const Tenant& tenant = world.tenant;
  for (const std::string& name :
       {manifests::turn_name(tenant), manifests::livekit_media_name(tenant)}) {
    if (world.child("Service", name) == nullptr) return absent("Service", name);
  }
  const manifests::CallsSeen& seen = tenant.calls;
  if (!seen.udp_port || !seen.tcp_port || !seen.turn_port) {
    return not_ready("NodePortPending", "Service " + manifests::livekit_media_name(tenant) +
                                            " or " + manifests::turn_name(tenant) +
                                            " has no node port yet");
  }
  return std::nullopt;
}

std::optional<Readiness> balancer_problem(const World& world, const std::string& name) {
  const json* service = world.child("Service", name);
  if (!balanced_address(service).empty()) return std::nullopt;
  const json& given = at_path(*service, "status/loadBalancer/ingress");
  if (given.is_array() && !given.empty()) {
    return not_ready("NoAddress", "the load balancer of Service " + name +
                                      " has a name and no address, and media are sent to "
                                      "addresses: say which one it has in calls.address");
  }
  return not_ready("LoadBalancerPending",
                   "Service " + name +
                       " waits for the address of a load balancer; when none comes, no controller "
                       "of the cluster makes load balancers of this class");
}

std::optional<Readiness> address_problem(const World& world) {
  const Tenant& tenant = world.tenant;
  if (!tenant.spec.calls.address.empty()) return std::nullopt;
  if (is_balanced(tenant)) {
    if (auto problem = balancer_problem(world, manifests::turn_name(tenant))) return problem;
    return balancer_problem(world, manifests::livekit_media_name(tenant));
  }
  if (!tenant.calls.turn_address.empty()) return std::nullopt;
  return not_ready("NoAddress",
                   "the node that runs coturn tells no address: say one in calls.address");
}

/// Stopped, as it should be; nothing while it runs.
std::optional<Readiness> stopped(const World& world) {
  const api::CompanyHomeserverSpec& spec = world.tenant.spec;
  if (!spec.hibernated && !spec.fenced) return std::nullopt;
  for (const std::string& name : calls_workloads(world.tenant)) {
    const Readiness one = hibernation_of(world, "Deployment", name);
    if (one != kHibernated) return one;
  }
  if (spec.hibernated) return kHibernated;
  return Readiness{.ready = true,
                   .reason = "Fenced",
                   .message = "nobody is passed on while spec.fenced is true"};
}

/// From inside the cluster the way to an address that somebody declared may lead through a router
/// that leads nobody back: that tells nothing of people outside.
Readiness reached(const World& world) {
  const CallsAnswer& answer = *world.calls;
  if (!answer.gateway.empty()) return silent(world, "calls", answer.gateway);
  for (const std::string& problem : {answer.turn, answer.media}) {
    if (problem.empty()) continue;
    if (world.tenant.spec.calls.address.empty()) return not_ready("MediaUnreachable", problem);
    return {.ready = true,
            .reason = "MediaUnreachable",
            .message = problem +
                       ", seen from inside the cluster; where the router leads nobody back to "
                       "calls.address, look from outside"};
  }
  if (manifests::has_group_calls(world.tenant)) return kReady;
  return {.ready = true,
          .reason = "CallsOfTwoOnly",
          .message =
              "people can call each other; for calls of several the operator's catalogue "
              "names no image (images.lkJwtService)"};
}

constexpr std::chrono::minutes kVainAnswerHolds{10};

std::string media_question(const World& world) {
  const manifests::CallsSeen& seen = world.tenant.calls;
  const auto place = [](const std::string& address, std::optional<int> port) {
    return address + ":" + std::to_string(port.value_or(0));
  };
  return std::to_string(world.resource.generation) + " " +
         place(seen.turn_address, seen.turn_port) + " " + place(seen.media_address, seen.tcp_port);
}

}  // namespace

void observe_calls(World& world) {
  Tenant& tenant = world.tenant;
  tenant.calls = {};
  if (!manifests::has_calls(tenant)) return;
  manifests::CallsSeen& seen = tenant.calls;
  if (is_balanced(tenant)) {
    seen.udp_port = tenant.spec.calls.udp_port;
    seen.tcp_port = tenant.spec.calls.tcp_port;
    seen.turn_port = tenant.spec.calls.turn_port;
  } else {
    const json* media = world.child("Service", manifests::livekit_media_name(tenant));
    seen.udp_port = node_port(media, "udp");
    seen.tcp_port = node_port(media, "tcp");
    seen.turn_port = node_port(world.child("Service", manifests::turn_name(tenant)), "udp");
  }
  seen.media_address =
      address_of(world, manifests::kLiveKit, manifests::livekit_media_name(tenant));
  seen.turn_address = address_of(world, manifests::kTurn, manifests::turn_name(tenant));
  if (const json* inner = world.child("Service", manifests::inner_gateway_name(tenant))) {
    seen.inner_address = string_at(*inner, "spec/clusterIP");
  }
  const json* keys = world.child("Secret", manifests::calls_keys(tenant));
  if (keys != nullptr) seen.keys = string_at(*keys, "metadata/uid");
}

std::optional<MediaAnswer> KnownMedia::answer_to(const World& world) const {
  if (world.seen_at >= until_ || media_question(world) != question_) return std::nullopt;
  return answer_;
}

void KnownMedia::note(const World& world, const MediaAnswer& answer) {
  until_ = {};
  if (world.tenant.spec.calls.address.empty() || answer == MediaAnswer{}) return;
  question_ = media_question(world);
  until_ = world.seen_at + kVainAnswerHolds;
  answer_ = answer;
}

bool wants_calls(const Tenant& tenant) { return tenant.spec.calls.enabled; }

std::vector<std::string> calls_workloads(const Tenant& tenant) {
  if (!manifests::has_calls(tenant)) return {};
  std::vector<std::string> names{manifests::turn_name(tenant), manifests::livekit_name(tenant)};
  if (manifests::has_group_calls(tenant)) names.push_back(manifests::lk_jwt_name(tenant));
  return names;
}

bool calls_are_rolled_out(const World& world) {
  if (!manifests::has_calls(world.tenant) || world.tenant.spec.fenced) return false;
  const std::vector<std::string> names = calls_workloads(world.tenant);
  return !entrance_problem(world) && !address_problem(world) &&
         std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return deployment_ready(world, name).ready; });
}

json calls_status(const World& world) {
  const Tenant& tenant = world.tenant;
  json result = json::object();
  if (!manifests::has_calls(tenant)) return result;
  result["address"] = manifests::rtc_url(tenant);
  const manifests::CallsSeen& seen = tenant.calls;
  const auto place = [](const std::string& address, int udp, int tcp) {
    return address + ":" + std::to_string(udp) + "/udp," + std::to_string(tcp) + "/tcp";
  };
  if (!seen.media_address.empty() && seen.udp_port && seen.tcp_port) {
    result["media"] = place(seen.media_address, *seen.udp_port, *seen.tcp_port);
  }
  if (!seen.turn_address.empty() && seen.turn_port) {
    result["turn"] = place(seen.turn_address, *seen.turn_port, *seen.turn_port);
  }
  return result;
}

Readiness calls_ready(const World& world) {
  const Tenant& tenant = world.tenant;
  if (!manifests::has_calls(tenant)) {
    return not_ready("NoImage",
                     "the operator's catalogue names no image for calls (images.livekit and "
                     "images.coturn)");
  }
  if (const auto rest = stopped(world)) return *rest;
  if (const auto problem = entrance_problem(world)) return *problem;
  // coturn needs no address itself, and where nodes lead to it, its node's is the one.
  const Readiness turn = deployment_ready(world, manifests::turn_name(tenant));
  if (!turn.ready) return turn;
  if (const auto problem = address_problem(world)) return *problem;
  for (const std::string& name : calls_workloads(tenant)) {
    Readiness rollout = deployment_ready(world, name);
    if (!rollout.ready) return rollout;
  }
  if (!world.calls) return not_ready("NotAsked", "it is asked once the gateway answers");
  return reached(world);
}

}  // namespace alphorn::homeserver
