#include <arpa/inet.h>

#include <array>

#include "api/rules.hpp"

// Voice and video calls: where media come in, and what no port plan may ask for.
namespace alphorn::api {
namespace {

// What LiveKit and coturn take where nobody else decides: a load balancer has ports of its own.
constexpr int kUdpPort = 7882;
constexpr int kTcpPort = 7881;
constexpr int kTurnPort = 3478;
// Programs listen on the very port that they tell clients, and none of theirs may be privileged.
constexpr int kLowestMediaPort = 1024;
constexpr int kHighestPort = 65535;

std::optional<int> port_at(const json& calls, const char* path, const Calls& wanted,
                           int otherwise) {
  const json& port = at_path(calls, path);
  if (port.is_number_integer()) return port.get<int>();
  // Of nodes the cluster picks one that is free.
  if (wanted.mode == Calls::Mode::node_port) return std::nullopt;
  return otherwise;
}

bool is_address(const std::string& text) {
  std::array<char, sizeof(in_addr)> parsed{};
  return inet_pton(AF_INET, text.c_str(), parsed.data()) == 1 && text != "0.0.0.0";
}

bool is_port(const std::optional<int>& port, int lowest) {
  return !port || (*port >= lowest && *port <= kHighestPort);
}

void check_ports(Findings& findings, const Calls& calls) {
  findings.check(is_port(calls.udp_port, kLowestMediaPort), "spec.calls.media.udpPort",
                 "calls.media.udpPort must be between 1024 and 65535");
  findings.check(is_port(calls.tcp_port, kLowestMediaPort), "spec.calls.media.tcpPort",
                 "calls.media.tcpPort must be between 1024 and 65535");
  findings.check(is_port(calls.turn_port, 1), "spec.calls.turn.port",
                 "calls.turn.port must be between 1 and 65535");
  // TURN is spoken by UDP and by TCP.
  const auto& turn = calls.turn_port;
  findings.check(!turn || (turn != calls.udp_port && turn != calls.tcp_port),
                 "spec.calls.turn.port",
                 "calls.turn.port must differ from calls.media.udpPort and calls.media.tcpPort");
}

}  // namespace

Calls calls_from(const json& calls) {
  Calls result{.enabled = at_path(calls, "enabled") == true,
               .mode = string_at(calls, "mode") == "loadBalancer" ? Calls::Mode::load_balancer
                                                                  : Calls::Mode::node_port,
               .address = string_at(calls, "address"),
               .class_name = string_at(calls, "className")};
  for (const auto& [key, value] : at_path(calls, "annotations").items()) {
    if (value.is_string()) result.annotations[key] = value.get<std::string>();
  }
  result.udp_port = port_at(calls, "media/udpPort", result, kUdpPort);
  result.tcp_port = port_at(calls, "media/tcpPort", result, kTcpPort);
  result.turn_port = port_at(calls, "turn/port", result, kTurnPort);
  return result;
}

void check_calls(Findings& findings, const CompanyHomeserverSpec& spec) {
  const Calls& calls = spec.calls;
  findings.check(is_domain(spec.rtc_host), "spec.hosts.rtc",
                 "hosts.rtc must be a domain name in lower case with at least one dot and no "
                 "port, such as rtc.acme.example");
  findings.check(calls.address.empty() || is_address(calls.address), "spec.calls.address",
                 "calls.address must be an IPv4 address, such as 198.51.100.7");
  check_ports(findings, calls);
  const bool balanced = calls.mode == Calls::Mode::load_balancer;
  findings.check(balanced || calls.class_name.empty(), "spec.calls.className",
                 "calls.className needs \"mode: loadBalancer\"");
  findings.check(calls.class_name.empty() || is_qualified_name(calls.class_name),
                 "spec.calls.className",
                 "calls.className must be the name of a class, such as service.k8s.aws/nlb");
  findings.check(balanced || calls.annotations.empty(), "spec.calls.annotations",
                 "calls.annotations needs \"mode: loadBalancer\"");
  for (const auto& [key, value] : calls.annotations) {
    findings.check(!is_ours(key), "spec.calls.annotations",
                   "calls.annotations must not begin with \"alphorn.dev/\": those are the "
                   "operator's");
    findings.check(is_qualified_name(key), "spec.calls.annotations",
                   "calls.annotations must have keys such as metallb.io/address-pool");
  }
  if (!calls.enabled) return;
  const std::string& host = spec.rtc_host;
  findings.check(host != spec.matrix_host && host != domain_of(spec.server_name) &&
                     (spec.web_client.enabled == false || host != spec.web_host) &&
                     (!spec.authentication.mas || host != spec.account_host),
                 "spec.hosts.rtc",
                 "hosts.rtc must differ from hosts.matrix, hosts.web, hosts.account and "
                 "serverName; its default is \"rtc.\" and the serverName without its port");
}

}  // namespace alphorn::api
