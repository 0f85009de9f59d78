#include "netpol/rules.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "netpol/selectors.hpp"

namespace alphorn::netpol {
namespace {

using Lines = std::vector<std::string>;

struct Pod {
  std::string ns;
  std::string name;
  std::string address;
  json labels;
  json ns_labels;
  std::map<std::string, int> ports;  ///< by protocol and name: "tcp https"
};

enum class Direction { ingress, egress };

/// The words that differ between what comes to a pod and what goes from it.
struct Words {
  Direction direction;
  const char* type;         ///< in policyTypes
  const char* rules;        ///< the policy's list
  const char* peers;        ///< a rule's list
  const char* own_address;  ///< nft's name for the pod's side
  const char* peer_address;
  const char* chain;
};
constexpr Words kIngress{Direction::ingress, "Ingress",  "ingress", "from",
                         "ip daddr",         "ip saddr", "to_"};
constexpr Words kEgress{Direction::egress, "Egress",   "egress", "to",
                        "ip saddr",        "ip daddr", "from_"};

std::string protocol_of(const json& port) {
  std::string protocol = string_at(port, "protocol");
  if (protocol.empty()) return "tcp";
  std::transform(protocol.begin(), protocol.end(), protocol.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return protocol;
}

std::map<std::string, int> named_ports(const json& pod) {
  std::map<std::string, int> ports;
  for (const char* list : {"spec/initContainers", "spec/containers"}) {
    for (const json& container : at_path(pod, list)) {
      for (const json& port : at_path(container, "ports")) {
        const std::string name = string_at(port, "name");
        if (name.empty()) continue;
        ports[protocol_of(port) + " " + name] = static_cast<int>(integer_at(port, "containerPort"));
      }
    }
  }
  return ports;
}

/// The address of a pod that has ended may be another's by now.
bool has_address(const json& pod) {
  const std::string phase = string_at(pod, "status/phase");
  return phase != "Succeeded" && phase != "Failed" && at_path(pod, "spec/hostNetwork") != true &&
         string_at(pod, "status/podIP").find('.') != std::string::npos;
}

std::vector<Pod> pods_of(const Objects& objects) {
  std::map<std::string, json> labels;
  for (const json& ns : objects.namespaces) {
    labels[string_at(ns, "metadata/name")] = at_path(ns, "metadata/labels");
  }
  std::vector<Pod> pods;
  for (const json& pod : objects.pods) {
    if (!has_address(pod)) continue;
    const std::string ns = string_at(pod, "metadata/namespace");
    pods.push_back({.ns = ns,
                    .name = string_at(pod, "metadata/name"),
                    .address = string_at(pod, "status/podIP"),
                    .labels = at_path(pod, "metadata/labels"),
                    .ns_labels = labels[ns],
                    .ports = named_ports(pod)});
  }
  return pods;
}

bool speaks_of(const json& policy, const Words& words) {
  const json& types = at_path(policy, "spec/policyTypes");
  return std::find(types.begin(), types.end(), words.type) != types.end();
}

class PeerMatcher {
 public:
  PeerMatcher(const std::vector<Pod>& pods, const Words& words, std::string ns)
      : pods_(pods), words_(words), ns_(std::move(ns)) {}

  /// The pods that a peer of a rule stands for.
  std::vector<const Pod*> pods_of(const json& peer) const {
    std::vector<const Pod*> found;
    if (peer.contains("ipBlock")) return found;
    for (const Pod& pod : pods_) {
      const bool in_namespace = peer.contains("namespaceSelector")
                                    ? selects(peer.at("namespaceSelector"), pod.ns_labels)
                                    : pod.ns == ns_;
      if (in_namespace && selects(at_path(peer, "podSelector"), pod.labels)) found.push_back(&pod);
    }
    return found;
  }

  /// nft's condition for a peer; nothing when no packet can meet it.
  std::optional<std::string> condition(const json& peer) const {
    if (peer.contains("ipBlock")) return block(peer.at("ipBlock"));
    std::string addresses;
    for (const Pod* pod : pods_of(peer)) {
      addresses += (addresses.empty() ? "" : ", ") + pod->address;
    }
    if (addresses.empty()) return std::nullopt;
    return std::string{words_.peer_address} + " { " + addresses + " } ";
  }

 private:
  std::optional<std::string> block(const json& block) const {
    const std::string address = words_.peer_address;
    const std::string cidr = string_at(block, "cidr");
    if (cidr.find(':') != std::string::npos) return std::nullopt;
    std::string condition;
    if (cidr != "0.0.0.0/0") condition = address + " " + cidr + " ";
    for (const json& except : at_path(block, "except")) {
      condition += address + " != " + except.get<std::string>() + " ";
    }
    return condition;
  }

  const std::vector<Pod>& pods_;
  const Words& words_;
  std::string ns_;
};

std::string port_condition(const std::string& protocol, const std::string& number) {
  return protocol + " dport " + number + " ";
}

/// nft's condition for a port given by number, or by nothing but a protocol.
std::string numbered(const json& port) {
  const std::string protocol = protocol_of(port);
  if (!port.contains("port")) return "meta l4proto " + protocol + " ";
  std::string number = std::to_string(port.at("port").get<int>());
  if (port.contains("endPort")) number += "-" + std::to_string(port.at("endPort").get<int>());
  return port_condition(protocol, number);
}

std::optional<std::string> named(const json& port, const Pod& owner) {
  const std::string protocol = protocol_of(port);
  const auto found = owner.ports.find(protocol + " " + string_at(port, "port"));
  if (found == owner.ports.end()) return std::nullopt;
  return port_condition(protocol, std::to_string(found->second));
}

/// What one rule lets through between this pod and its peers.
Lines lines_of(const json& rule, const Pod& self, const std::vector<Pod>& pods,
               const Words& words) {
  const PeerMatcher matcher{pods, words, self.ns};
  const json everybody = json::array({{{"namespaceSelector", json::object()}}});
  const json& peers = at_path(rule, words.peers);
  const json& ports = at_path(rule, "ports");
  const bool from_anywhere = peers.empty();
  Lines conditions;  // of the peers
  if (from_anywhere) conditions.emplace_back("");
  for (const json& peer : peers) {
    if (auto condition = matcher.condition(peer)) conditions.push_back(std::move(*condition));
  }
  Lines lines;
  if (ports.empty()) lines = conditions;
  for (const json& port : ports) {
    const bool by_name = at_path(port, "port").is_string();
    if (by_name && words.direction == Direction::egress) {
      // The name is the peer's: each may give it another number.
      for (const json& peer : from_anywhere ? everybody : peers) {
        for (const Pod* pod : matcher.pods_of(peer)) {
          if (const auto to = named(port, *pod))
            lines.push_back("ip daddr " + pod->address + " " + *to);
        }
      }
      continue;
    }
    const auto condition = by_name ? named(port, self) : numbered(port);
    if (!condition) continue;
    for (const std::string& peer : conditions) lines.push_back(peer + *condition);
  }
  return lines;
}

/// The chain for one direction of a pod; nothing when no policy speaks of it.
std::optional<std::string> chain_of(const Pod& pod, const Objects& objects,
                                    const std::vector<Pod>& pods, const Words& words) {
  std::string body;
  bool guarded = false;
  for (const json& policy : objects.policies) {
    if (string_at(policy, "metadata/namespace") != pod.ns || !speaks_of(policy, words) ||
        !selects(at_path(policy, "spec/podSelector"), pod.labels)) {
      continue;
    }
    guarded = true;
    body += "    # NetworkPolicy " + string_at(policy, "metadata/name") + "\n";
    for (const json& rule : at_path(policy, std::string{"spec/"} + words.rules)) {
      for (const std::string& line : lines_of(rule, pod, pods, words)) {
        body += "    " + line + "return\n";
      }
    }
  }
  if (!guarded) return std::nullopt;
  return "  chain " + (words.chain + pod.address) + " {\n    # pod " + pod.ns + "/" + pod.name +
         "\n    " + words.peer_address + " " + pod.address + " return\n" + body +
         "    counter drop\n  }\n";
}

struct Chains {
  std::string text;
  std::string dispatch;  ///< the rule that leads to them; "" when there are none
};

Chains chains_of(const Objects& objects, const std::vector<Pod>& pods, const Words& words) {
  Chains chains;
  std::string elements;
  std::set<std::string> seen;
  for (const Pod& pod : pods) {
    // Two pods share an address only for the moment in which one of them is being forgotten.
    if (!seen.insert(pod.address).second) continue;
    const auto chain = chain_of(pod, objects, pods, words);
    if (!chain) continue;
    chains.text += *chain;
    elements +=
        (elements.empty() ? "" : ", ") + pod.address + " : jump " + words.chain + pod.address;
  }
  if (!elements.empty()) {
    chains.dispatch = "    " + std::string{words.own_address} + " vmap { " + elements + " }\n";
  }
  return chains;
}

/// After the rules of others, which are at priority 0.
std::string base_chain(const std::string& hook, const std::string& dispatch) {
  return "  chain " + hook + " {\n    type filter hook " + hook +
         " priority 1; policy accept;\n    ct state established,related accept\n" + dispatch +
         "  }\n";
}

}  // namespace

std::string rules(const Objects& objects) {
  const std::vector<Pod> pods = pods_of(objects);
  const Chains ingress = chains_of(objects, pods, kIngress);
  const Chains egress = chains_of(objects, pods, kEgress);
  const std::string table = std::string{"table "} + kTable;
  // Only a table that is there can be deleted; both lines and what follows are one transaction.
  return table + "\ndelete " + table + "\n" + table + " {\n" + ingress.text + egress.text +
         base_chain("forward", egress.dispatch + ingress.dispatch) +
         base_chain("input", egress.dispatch) + "}\n";
}

}  // namespace alphorn::netpol
