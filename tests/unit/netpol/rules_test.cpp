// What a policy means, as the lines of nft that it becomes.
#include "netpol/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "netpol/selectors.hpp"

namespace alphorn::netpol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

json a_namespace(const std::string& name, json labels = json::object()) {
  labels["kubernetes.io/metadata.name"] = name;
  return {{"metadata", {{"name", name}, {"labels", labels}}}};
}

json a_pod(const std::string& ns, const std::string& name, const std::string& address,
           const json& ports = json::array()) {
  return {{"metadata", {{"namespace", ns}, {"name", name}, {"labels", {{"app", name}}}}},
          {"spec", {{"containers", json::array({{{"name", "main"}, {"ports", ports}}})}}},
          {"status", {{"phase", "Running"}, {"podIP", address}}}};
}

json app(const std::string& name) { return {{"matchLabels", {{"app", name}}}}; }

json a_policy(const std::string& ns, const json& selector, const json& types) {
  return {{"metadata", {{"namespace", ns}, {"name", "it"}}},
          {"spec", {{"podSelector", selector}, {"policyTypes", types}}}};
}

json on_ingress(const json& rule) {
  json policy = a_policy("acme", app("web"), json::array({"Ingress"}));
  policy["spec"]["ingress"] = json::array({rule});
  return policy;
}

json on_egress(const json& rule) {
  json policy = a_policy("acme", app("web"), json::array({"Egress"}));
  policy["spec"]["egress"] = json::array({rule});
  return policy;
}

json tcp(const json& port) { return {{"protocol", "TCP"}, {"port", port}}; }

Objects town(const json& policy) {
  const json https = {{"name", "https"}, {"containerPort", 8443}, {"protocol", "TCP"}};
  const json others = {{"name", "https"}, {"containerPort", 9443}, {"protocol", "TCP"}};
  return {.pods = {a_pod("acme", "web", "10.0.0.1", json::array({https})),
                   a_pod("acme", "cache", "10.0.0.2"),
                   a_pod("bravo", "web", "10.0.0.3", json::array({others}))},
          .namespaces = {a_namespace("acme"), a_namespace("bravo", {{"team", "b"}})},
          .policies = {policy}};
}

/// The lines of a chain between its braces, without comments.
std::vector<std::string> chain(const std::string& script, const std::string& name) {
  std::istringstream text{script};
  std::vector<std::string> lines;
  bool inside = false;
  for (std::string line; std::getline(text, line);) {
    if (line == "  }") inside = false;
    if (inside && line.find('#') == std::string::npos) lines.push_back(line.substr(4));
    if (line == "  chain " + name + " {") inside = true;
  }
  return lines;
}

std::vector<std::string> to_web(const json& rule) {
  return chain(rules(town(on_ingress(rule))), "to_10.0.0.1");
}

std::vector<std::string> from_web(const json& rule) {
  return chain(rules(town(on_egress(rule))), "from_10.0.0.1");
}

TEST(Rules, ReplaceTheTableAtOnceAlsoWhenThereIsNoPolicy) {
  EXPECT_EQ(rules({}),
            "table inet alphorn_netpol\n"
            "delete table inet alphorn_netpol\n"
            "table inet alphorn_netpol {\n"
            "  chain forward {\n"
            "    type filter hook forward priority 1; policy accept;\n"
            "    ct state established,related accept\n"
            "  }\n"
            "  chain input {\n"
            "    type filter hook input priority 1; policy accept;\n"
            "    ct state established,related accept\n"
            "  }\n"
            "}\n");
}

TEST(Rules, LeaveAPodAloneThatNoPolicySelects) {
  const std::string script = rules(town(on_ingress(json::object())));
  EXPECT_THAT(script, HasSubstr("ip daddr vmap { 10.0.0.1 : jump to_10.0.0.1 }"));
  EXPECT_THAT(script, Not(HasSubstr("to_10.0.0.2")));
  EXPECT_THAT(script, Not(HasSubstr("to_10.0.0.3"))) << "of another namespace";
  EXPECT_THAT(script, Not(HasSubstr("from_"))) << "the policy speaks of what comes in";
}

TEST(Rules, LookAtWhatPodsSendToTheNodeToo) {
  const std::string script = rules(town(on_egress(json::object())));
  EXPECT_THAT(chain(script, "input"), testing::Contains(HasSubstr("jump from_10.0.0.1")));
  EXPECT_THAT(chain(script, "forward"), testing::Contains(HasSubstr("jump from_10.0.0.1")));
}

TEST(APolicyWithoutRules, LetsAPodTalkToItselfOnly) {
  json policy = a_policy("acme", json::object(), json::array({"Ingress", "Egress"}));
  const std::string script = rules(town(policy));
  EXPECT_THAT(chain(script, "to_10.0.0.2"),
              ElementsAre("ip saddr 10.0.0.2 return", "counter drop"));
  EXPECT_THAT(chain(script, "from_10.0.0.2"),
              ElementsAre("ip daddr 10.0.0.2 return", "counter drop"));
}

TEST(AnEmptyRule, LetsEverythingPass) {
  EXPECT_THAT(to_web(json::object()),
              ElementsAre("ip saddr 10.0.0.1 return", "return", "counter drop"));
}

TEST(Peers, WithoutNamespaceSelectorAreOfThePolicysNamespace) {
  const json rule = {{"from", json::array({{{"podSelector", json::object()}}})}};
  EXPECT_THAT(to_web(rule), testing::Contains("ip saddr { 10.0.0.1, 10.0.0.2 } return"));
}

TEST(Peers, OfANamespaceAreAllItsPodsOrThoseSelected) {
  const json team = {{"matchLabels", {{"team", "b"}}}};
  EXPECT_THAT(to_web({{"from", json::array({{{"namespaceSelector", team}}})}}),
              testing::Contains("ip saddr { 10.0.0.3 } return"));
  const json web_anywhere = {{"namespaceSelector", json::object()}, {"podSelector", app("web")}};
  EXPECT_THAT(to_web({{"from", json::array({web_anywhere})}}),
              testing::Contains("ip saddr { 10.0.0.1, 10.0.0.3 } return"));
}

TEST(Peers, WhoDoNotExistLetNobodyIn) {
  EXPECT_THAT(to_web({{"from", json::array({{{"podSelector", app("nobody")}}})}}),
              ElementsAre("ip saddr 10.0.0.1 return", "counter drop"));
}

TEST(AnAddressBlock, LeavesOutItsExceptions) {
  const json block = {{"cidr", "0.0.0.0/0"},
                      {"except", json::array({"10.0.0.0/8", "127.0.0.0/8"})}};
  const json rule = {{"to", json::array({{{"ipBlock", block}}})},
                     {"ports", json::array({tcp(443)})}};
  EXPECT_THAT(
      from_web(rule),
      testing::Contains("ip daddr != 10.0.0.0/8 ip daddr != 127.0.0.0/8 tcp dport 443 return"));
  const json one = {{"ipBlock", {{"cidr", "192.0.2.0/24"}}}};
  EXPECT_THAT(from_web({{"to", json::array({one})}}),
              testing::Contains("ip daddr 192.0.2.0/24 return"));
}

TEST(AnAddressBlock, OfIpv6LetsNobodyIn) {
  EXPECT_THAT(from_web({{"to", json::array({{{"ipBlock", {{"cidr", "2000::/3"}}}}})}}),
              ElementsAre("ip daddr 10.0.0.1 return", "counter drop"));
}

TEST(Ports, AreOneARangeOrAWholeProtocol) {
  const json range = {{"protocol", "UDP"}, {"port", 5000}, {"endPort", 5010}};
  const json ports = json::array({{{"port", 80}}, range, {{"protocol", "SCTP"}}});
  EXPECT_THAT(
      to_web({{"ports", ports}}),
      ElementsAre("ip saddr 10.0.0.1 return", "tcp dport 80 return", "udp dport 5000-5010 return",
                  "meta l4proto sctp return", "counter drop"));
}

TEST(APortsName, IsThePodsOwnOnTheWayIn) {
  EXPECT_THAT(to_web({{"ports", json::array({tcp("https")})}}),
              testing::Contains("tcp dport 8443 return"));
  EXPECT_THAT(to_web({{"ports", json::array({tcp("unknown")})}}),
              ElementsAre("ip saddr 10.0.0.1 return", "counter drop"));
}

TEST(APortsName, IsEachPeersOnTheWayOut) {
  EXPECT_THAT(from_web({{"ports", json::array({tcp("https")})}}),
              ElementsAre("ip daddr 10.0.0.1 return", "ip daddr 10.0.0.1 tcp dport 8443 return",
                          "ip daddr 10.0.0.3 tcp dport 9443 return", "counter drop"));
}

TEST(SeveralPolicies, AddUp) {
  Objects objects = town(on_ingress({{"ports", json::array({tcp(1)})}}));
  objects.policies.push_back(on_ingress({{"ports", json::array({tcp(2)})}}));
  EXPECT_THAT(chain(rules(objects), "to_10.0.0.1"),
              ElementsAre("ip saddr 10.0.0.1 return", "tcp dport 1 return", "tcp dport 2 return",
                          "counter drop"));
}

TEST(APod, ThatEndedOrIsInTheNodesNetworkHasNoRules) {
  json ended = a_pod("acme", "web", "10.0.0.8");
  ended["status"]["phase"] = "Succeeded";
  json of_the_node = a_pod("acme", "web", "10.250.0.1");
  of_the_node["spec"]["hostNetwork"] = true;
  const json unborn = a_pod("acme", "web", "");
  Objects objects = town(on_ingress(json::object()));
  objects.pods = {ended, of_the_node, unborn};
  EXPECT_THAT(rules(objects), Not(HasSubstr("to_")));
}

TEST(Selectors, KnowTheFourRelations) {
  const json labels = {{"tier", "back"}};
  const auto holds = [&](const std::string& key, const std::string& relation, const json& values) {
    const json expression = {{"key", key}, {"operator", relation}, {"values", values}};
    return selects({{"matchExpressions", json::array({expression})}}, labels);
  };
  EXPECT_TRUE(holds("tier", "In", json::array({"front", "back"})));
  EXPECT_FALSE(holds("tier", "In", json::array({"front"})));
  EXPECT_FALSE(holds("other", "In", json::array({"back"})));
  EXPECT_TRUE(holds("tier", "NotIn", json::array({"front"})));
  EXPECT_TRUE(holds("other", "NotIn", json::array({"back"})));
  EXPECT_FALSE(holds("tier", "NotIn", json::array({"back"})));
  EXPECT_TRUE(holds("tier", "Exists", nullptr));
  EXPECT_FALSE(holds("tier", "DoesNotExist", nullptr));
  EXPECT_TRUE(selects(json::object(), nullptr));
  EXPECT_FALSE(selects(app("web"), nullptr));
}

}  // namespace
}  // namespace alphorn::netpol
