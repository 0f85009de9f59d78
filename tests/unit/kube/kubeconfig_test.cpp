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
  EXPECT_THAT(refusal(config({{"server", "https://x"}, {"proxy-url", "ftp://p"}}, {})),
              HasSubstr("clusters[c].proxy-url must begin with http:// or socks5://"));
  EXPECT_THAT(refusal(config(kCluster, {{"as", 1001}})), HasSubstr("users[u].as is no string"));
  EXPECT_THAT(refusal(config(kCluster, {{"token", 1001}})),
              HasSubstr("users[u].token is no string"));
  EXPECT_THAT(refusal(config(kCluster, {{"as-groups", {"admins"}}})),
              HasSubstr("users[u].as is not set"));
  EXPECT_THAT(refusal(config(kCluster, {{"client-certificate-data", "Q0E="}})),
              HasSubstr("users[u] needs both client-certificate and client-key"));
}

const json kExec = {{"apiVersion", "client.authentication.k8s.io/v1"},
                    {"command", "./plug"},
                    {"args", {"login"}},
                    {"env", json::array({{{"name", "REGION"}, {"value", "ch"}}})},
                    {"interactiveMode", "IfAvailable"},
                    {"installHint", "Install it."}};

TEST(Kubeconfig, ACredentialPluginIsRead) {
  const KubeConfig read = parse(config(kCluster, {{"exec", kExec}}));
  ASSERT_TRUE(read.exec);
  EXPECT_EQ(read.exec->field, "/home/me/.kube/config: users[u].exec");
  EXPECT_EQ(read.exec->program.command, "/home/me/.kube/./plug") << "beside the file";
  EXPECT_THAT(read.exec->program.arguments, testing::ElementsAre("login"));
  EXPECT_EQ(read.exec->program.environment.at("REGION"), "ch");
  EXPECT_EQ(read.exec->install_hint, "Install it.");
  EXPECT_TRUE(read.exec->cluster.is_null());
}

TEST(Kubeconfig, APluginMayBeToldOfTheCluster) {
  json exec = kExec;
  exec["provideClusterInfo"] = true;
  json cluster = {{"server", "https://x"}, {"certificate-authority", "pki/ca.crt"}};
  cluster["extensions"] = json::array(
      {{{"name", "client.authentication.k8s.io/exec"}, {"extension", {{"audience", "a"}}}}});
  EXPECT_EQ(parse(config(cluster, {{"exec", exec}})).exec->cluster,
            (json{{"server", "https://x"},
                  {"certificate-authority-data", "Q0E="},
                  {"config", {{"audience", "a"}}}}));
}

TEST(Kubeconfig, APluginThatCannotBeRunIsRefusedByName) {
  const auto refusal_of = [](const char* key, const json& value) {
    json exec = kExec;
    exec[key] = value;
    return refusal(config(kCluster, {{"exec", exec}}));
  };
  EXPECT_THAT(refusal_of("apiVersion", "client.authentication.k8s.io/v1alpha1"),
              HasSubstr("exec.apiVersion must be client.authentication.k8s.io/v1 or v1beta1"));
  EXPECT_THAT(refusal_of("command", ""), HasSubstr("exec.command is not set"));
  EXPECT_THAT(refusal_of("interactiveMode", "Always"), HasSubstr("nobody is asked here"));
  EXPECT_THAT(refusal_of("interactiveMode", nullptr), HasSubstr("must be Never or IfAvailable"));
  EXPECT_THAT(refusal_of("args", "login"), HasSubstr("exec.args is no list"));
  EXPECT_THAT(refusal(config(kCluster, {{"exec", kExec}, {"token", "t"}})),
              HasSubstr("users[u].exec cannot stand beside a token"));
}

TEST(Kubeconfig, SomebodyElsesNameIsRead) {
  const KubeConfig read = parse(config(kCluster, {{"token", "t"},
                                                  {"as", "alice"},
                                                  {"as-uid", "7"},
                                                  {"as-groups", {"admins", "staff"}},
                                                  {"as-user-extra", {{"Scope/A", {"one"}}}}}));
  using Header = std::pair<std::string, std::string>;
  EXPECT_THAT(headers_of(read.as),
              testing::ElementsAre(
                  Header{"Impersonate-User", "alice"}, Header{"Impersonate-Uid", "7"},
                  Header{"Impersonate-Group", "admins"}, Header{"Impersonate-Group", "staff"},
                  Header{"Impersonate-Extra-scope%2Fa", "one"}));
  EXPECT_TRUE(headers_of(Impersonation{}).empty());
}

TEST(Kubeconfig, OfSeveralFilesTheFirstDecides) {
  json first = config({{"server", "https://first"}, {"certificate-authority", "pki/ca.crt"}}, {});
  first.erase("users");
  first.erase("current-context");
  json second = config({{"server", "https://second"}}, {{"tokenFile", "token"}});
  second["contexts"].push_back({{"name", "b"}, {"context", {{"cluster", "d"}, {"user", "u"}}}});
  second["clusters"].push_back({{"name", "d"}, {"cluster", {{"server", "https://d"}}}});
  const std::vector<KubeConfigFile> files{{"/home/me/.kube/config", to_yaml(first)},
                                          {"/etc/kube/config", to_yaml(second)}};
  const ReadFile read = [](const std::string& path) { return kFiles.at(path); };
  const KubeConfig merged = parse_kubeconfig(files, "", read);
  EXPECT_EQ(merged.context, "here");
  EXPECT_EQ(merged.endpoint.url, "https://first");
  EXPECT_EQ(merged.endpoint.ca_pem, "CA") << "beside its own file";
  EXPECT_EQ(merged.token_file, "/etc/kube/token");
  EXPECT_EQ(parse_kubeconfig(files, "b", read).endpoint.url, "https://d");
  try {
    parse_kubeconfig(files, "c", read);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(),
                 "/home/me/.kube/config, /etc/kube/config: contexts has no entry named \"c\"");
  }
}

TEST(Kubeconfig, AnEmptyFileAddsNothing) {
  const KubeConfig read = parse_kubeconfig(
      {{"/dev/null", ""}, {"/k", to_yaml(config(kCluster, {{"token", "t"}}))}}, "", {});
  EXPECT_EQ(read.token.reveal(), "t");
}

TEST(Kubeconfig, AListWithoutAnyFileIsNamed) {
  try {
    kubeconfig_files("/nowhere/a::/nowhere/b");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "no file of KUBECONFIG exists: /nowhere/a::/nowhere/b");
  }
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
