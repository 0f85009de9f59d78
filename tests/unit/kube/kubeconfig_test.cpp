#include "kube/kubeconfig.hpp"

#include <gmock/gmock.h>

#include <map>
#include <stdexcept>

#include "base/json.hpp"
#include "kube/client.hpp"

namespace alphorn::kube {
namespace {

using testing::HasSubstr;

/// A kubeconfig with one context whose cluster and user are given.
json config(const json& cluster, const json& user) {
  return {{"current-context", "here"},
          {"contexts",
           json::array({{{"name", "here"},
                         {"context", {{"cluster", "c"}, {"user", "u"}, {"namespace", "acme"}}}}})},
          {"clusters", json::array({{{"name", "c"}, {"cluster", cluster}}})},
          {"users", json::array({{{"name", "u"}, {"user", user}}})}};
}

const std::map<std::string, std::string> kFiles{{"/home/me/.kube/pki/ca.crt", "CA"},
                                                {"/abs/client.key", "KEY"}};

KubeConfig parse(const json& config, const std::string& context = "") {
  return parse_kubeconfig(to_yaml(config), "/home/me/.kube/config", context,
                          [](const std::string& path) {
                            const auto found = kFiles.find(path);
                            if (found == kFiles.end())
                              throw std::runtime_error("cannot read " + path);
                            return found->second;
                          });
}

std::string refusal(const json& config, const std::string& context = "") {
  try {
    parse(config, context);
    return "accepted";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

const json kCluster = {{"server", "https://10.0.0.1:6443/"}};

TEST(Kubeconfig, EmbeddedDataIsDecoded) {
  const KubeConfig read =
      parse(config({{"server", "https://10.0.0.1:6443/"}, {"certificate-authority-data", "Q0E="}},
                   {{"client-certificate-data", "Q0VSVA=="}, {"client-key-data", "S0VZ"}}));
  EXPECT_EQ(read.endpoint.url, "https://10.0.0.1:6443");
  EXPECT_EQ(read.endpoint.ca_pem, "CA");
  EXPECT_EQ(read.endpoint.client_certificate_pem, "CERT");
  EXPECT_EQ(read.endpoint.client_key_pem.reveal(), "KEY");
  EXPECT_EQ(read.ns, "acme");
}

TEST(Kubeconfig, FilesAreBesideTheConfig) {
  const KubeConfig read = parse(config({{"server", "https://x"},
                                        {"certificate-authority", "pki/ca.crt"},
                                        {"tls-server-name", "kubernetes"}},
                                       {{"tokenFile", "token"}}));
  EXPECT_EQ(read.endpoint.ca_pem, "CA");
  EXPECT_EQ(read.endpoint.tls_server_name, "kubernetes");
  EXPECT_EQ(read.token_file, "/home/me/.kube/token");
}

TEST(Kubeconfig, AContextCanBeNamed) {
  json two = config(kCluster, {{"token", "t"}});
  two["contexts"].push_back({{"name", "other"}, {"context", {{"cluster", "c"}, {"user", "u"}}}});
  EXPECT_EQ(parse(two, "other").ns, "default");
  EXPECT_EQ(parse(two).token.reveal(), "t");
  EXPECT_THAT(refusal(two, "missing"), HasSubstr("contexts has no entry named \"missing\""));
}

TEST(Kubeconfig, RefusalsNameFileAndField) {
  json none = config(kCluster, json::object());
  none.erase("current-context");
  EXPECT_EQ(refusal(none), "/home/me/.kube/config: current-context is not set");
  EXPECT_THAT(refusal(config(json::object(), {})), HasSubstr("clusters[c].server is not set"));
  EXPECT_THAT(refusal(config({{"server", "https://x"}, {"insecure-skip-tls-verify", true}}, {})),
              HasSubstr("clusters[c].insecure-skip-tls-verify is refused"));
  EXPECT_THAT(refusal(config({{"server", "https://x"}, {"certificate-authority", "no.crt"}}, {})),
              HasSubstr("certificate-authority cannot read /home/me/.kube/no.crt"));
  EXPECT_THAT(refusal(config({{"server", "https://x"}, {"certificate-authority-data", "?"}}, {})),
              HasSubstr("certificate-authority-data is not base64"));
  EXPECT_THAT(refusal(config(kCluster, {{"exec", {{"command", "aws"}}}})),
              HasSubstr("users[u].exec needs a credential plugin"));
  EXPECT_THAT(refusal(config(kCluster, {{"client-certificate-data", "Q0E="}})),
              HasSubstr("users[u] needs both client-certificate and client-key"));
}

TEST(Kubeconfig, WhatIsNoYamlIsNamedWithItsLine) {
  try {
    parse_kubeconfig("a: [", "/k", "", {});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/k: line 1"));
  }
}

TEST(Kubeconfig, AMissingFileIsNamed) {
  try {
    kubeconfig_client("/nowhere/config");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "cannot read /nowhere/config");
  }
}

}  // namespace
}  // namespace alphorn::kube
