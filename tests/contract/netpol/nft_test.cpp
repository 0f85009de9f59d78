// The kernel takes every line that a policy can become, in a network of its own.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/run_program.hpp"
#include "netpol/rules.hpp"

namespace alphorn::netpol {
namespace {

Objects every_form() {
  const json ports = json::array({{{"port", 80}},
                                  {{"protocol", "UDP"}, {"port", 5000}, {"endPort", 5010}},
                                  {{"protocol", "SCTP"}, {"port", 36412}},
                                  {{"protocol", "SCTP"}},
                                  {{"protocol", "TCP"}, {"port", "https"}}});
  const json block = {{"cidr", "0.0.0.0/0"},
                      {"except", json::array({"10.0.0.0/8", "10.1.0.0/16"})}};
  const json peers = json::array({{{"ipBlock", block}},
                                  {{"ipBlock", {{"cidr", "192.0.2.7/32"}}}},
                                  {{"ipBlock", {{"cidr", "2000::/3"}}}},
                                  {{"namespaceSelector", json::object()}}});
  const json spec = {
      {"podSelector", json::object()},
      {"policyTypes", json::array({"Ingress", "Egress"})},
      {"ingress", json::array({{{"from", peers}, {"ports", ports}}, json::object()})},
      {"egress", json::array({{{"to", peers}, {"ports", ports}}, json::object()})}};
  const json https = {{"name", "https"}, {"containerPort", 8443}};
  const auto pod = [&](const std::string& name, const std::string& address) {
    return json{{"metadata", {{"namespace", "acme"}, {"name", name}}},
                {"spec", {{"containers", json::array({{{"ports", json::array({https})}}})}}},
                {"status", {{"phase", "Running"}, {"podIP", address}}}};
  };
  return {.pods = {pod("web-0", "10.244.0.5"), pod("web-1", "10.244.0.6")},
          .namespaces = {{{"metadata", {{"name", "acme"}}}}},
          .policies = {{{"metadata", {{"namespace", "acme"}, {"name", "all"}}}, {"spec", spec}}}};
}

/// What the kernel has after each of the scripts in turn.
std::string table_after(const std::vector<std::string>& scripts) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("netpol-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::string command = "set -e; ";
  for (std::size_t number = 0; number < scripts.size(); ++number) {
    const std::string file = (folder / std::to_string(number)).string();
    std::ofstream{file} << scripts[number];
    command += "nft -f " + file + "; ";
  }
  command += std::string{"nft list table "} + kTable;
  const Secret text = output_of({.command = "unshare", .arguments = {"--net", "sh", "-c", command}},
                                std::chrono::seconds{120});
  std::filesystem::remove_all(folder);
  return text.reveal();
}

class Nft : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root may make a network";
  }
};

TEST_F(Nft, TakesEveryFormOfARule) {
  const std::string table = table_after({rules(every_form())});
  for (const char* part : {"ip saddr != 10.0.0.0/8 ip saddr != 10.1.0.0/16", "udp dport 5000-5010",
                           "meta l4proto sctp", "tcp dport 8443", "counter packets 0 bytes 0 drop",
                           "10.244.0.5 : jump to_10.244.0.5"}) {
    EXPECT_NE(table.find(part), std::string::npos) << part << " is not in\n" << table;
  }
}

TEST_F(Nft, PutsTheNextRulesInPlaceOfTheFormer) {
  EXPECT_EQ(table_after({rules(every_form()), rules({})}), table_after({rules({})}));
}

}  // namespace
}  // namespace alphorn::netpol
