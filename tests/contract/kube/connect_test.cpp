// Ways to get in: credentials that are renewed, plugins, other names. Against a real API server.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/run_program.hpp"
#include "support/cluster.hpp"

namespace alphorn::kube {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

const ObjectRef kDefault{kinds::kNamespace, "", "default"};

/// A folder with a kubeconfig of its own; each test changes what it is about.
class Connect : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);  // keys lie there
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream{path(name)} << text;
  }
  json& cluster() { return config_["clusters"][0]["cluster"]; }
  json& user() { return config_["users"][0]["user"]; }
  std::shared_ptr<Client> connect() {
    write("config", to_yaml(config_));
    return kubeconfig_client(path("config"));
  }
  std::string token() const {
    const std::string file = test::kubeconfig_path() + "-token";
    return parse_kubeconfig(read_file(file), file, "", read_file).token.reveal();
  }
  /// A credential plugin that prints a file, and notes that it ran.
  void write_plugin() {
    write("plug", "#!/bin/sh\necho run >> \"$RUNS\"\ncat \"$1\"\n");
    std::filesystem::permissions(path("plug"), std::filesystem::perms::owner_all);
    user() = {{"exec",
               {{"apiVersion", "client.authentication.k8s.io/v1"},
                {"command", "./plug"},
                {"args", {path("credential")}},
                {"env", json::array({{{"name", "RUNS"}, {"value", path("runs")}}})},
                {"interactiveMode", "Never"},
                {"provideClusterInfo", true}}}};
  }
  void write_credential(const json& status) {
    write("credential", json{{"apiVersion", "client.authentication.k8s.io/v1"},
                             {"kind", "ExecCredential"},
                             {"status", status}}
                            .dump());
  }
  long runs() const {
    const std::string text = read_file(path("runs"));
    return std::count(text.begin(), text.end(), '\n');
  }
  std::string folder_ =
      testing::TempDir() + "alphorn-connect-" + sha256_hex(random_bytes(8)).substr(0, 8);
  KubeConfig admin_ = test::kubeconfig();
  json config_ = from_yaml(read_file(test::kubeconfig_path()));
};

TEST_F(Connect, AnAuthorityThatIsReplacedIsFollowedAtOnce) {
  cluster().erase("certificate-authority-data");
  cluster()["certificate-authority"] = "ca.crt";
  output_of({.command = "openssl",
             .arguments = {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                           "-nodes", "-subj", "/CN=former", "-keyout", path("former.key"), "-out",
                           path("ca.crt")}},
            test::kPatience);
  const auto client = connect();
  EXPECT_THROW(client->get(kDefault), http::TransportError);
  write("ca.crt", admin_.endpoint.ca_pem);
  EXPECT_TRUE(client->get(kDefault));
}

TEST_F(Connect, AClientCertificateThatIsRenewedIsFollowedAfterARefusal) {
  user() = {{"client-certificate", "me.crt"}, {"client-key", "me.key"}};
  output_of({.command = "openssl",
             .arguments = {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                           "-nodes", "-subj", "/CN=stranger", "-keyout", path("me.key"), "-out",
                           path("me.crt")}},
            test::kPatience);
  const auto client = connect();
  try {
    client->get(kDefault);
    FAIL() << "a stranger was let in";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 401);
  }
  write("me.crt", admin_.endpoint.client_certificate_pem);
  EXPECT_THROW(client->get(kDefault), ApiError) << "half a renewal";
  write("me.key", admin_.endpoint.client_key_pem.reveal());
  // Half a renewal is looked at again after a minute, or after the next refusal.
  EXPECT_TRUE(client->get(kDefault));
}

TEST_F(Connect, APluginsTokenIsUsedUntilItIsRefused) {
  write_plugin();
  write_credential({{"token", "wrong"}});
  const auto client = connect();
  EXPECT_THROW(client->get(kDefault), ApiError);
  EXPECT_EQ(runs(), 1);
  write_credential({{"token", token()}});
  EXPECT_TRUE(test::eventually([&] {  // it is asked again five seconds after the last time
    try {
      return client->get(kDefault).has_value();
    } catch (const ApiError&) {
      return false;
    }
  }));
  EXPECT_EQ(runs(), 2);
  client->get(kDefault);
  EXPECT_EQ(runs(), 2);
}

TEST_F(Connect, APluginsCertificateIsUsed) {
  write_plugin();
  write_credential({{"clientCertificateData", admin_.endpoint.client_certificate_pem},
                    {"clientKeyData", admin_.endpoint.client_key_pem.reveal()}});
  EXPECT_TRUE(connect()->get(kDefault));
}

TEST_F(Connect, APluginThatFailsIsNamed) {
  write_plugin();
  try {
    connect();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("users[admin].exec: \"" + path("./plug") + "\" ended with code 1"));
  }
}

TEST_F(Connect, RequestsAreMadeInSomebodyElsesName) {
  user()["as"] = "alice";
  user()["as-groups"] = {"visitors", "staff"};
  try {
    connect()->get(kDefault);
    FAIL() << "alice may not read namespaces";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 403);
    EXPECT_THAT(error.what(), HasSubstr("User \"alice\""));
  }
  user()["as-groups"] = {"staff", "system:masters"};
  EXPECT_TRUE(connect()->get(kDefault)) << "every group is sent";
}

TEST_F(Connect, SeveralFilesAreReadAsOne) {
  json users = config_;
  users.erase("clusters");
  users.erase("contexts");
  config_.erase("users");
  write("users", to_yaml(users));
  write("config", to_yaml(config_));
  setenv("KUBECONFIG", (path("absent") + ":" + path("config") + ":" + path("users")).c_str(), 1);
  const auto client = default_client();
  unsetenv("KUBECONFIG");
  EXPECT_TRUE(client->get(kDefault));
}

TEST_F(Connect, WithinItsLimitRequestsTakeTurns) {
  const auto client = connect()->limited(2);
  std::atomic<int> answered{0};
  {
    std::vector<std::jthread> threads;
    for (int count = 0; count < 8; ++count) {
      threads.emplace_back([&] {
        for (int request = 0; request < 10; ++request) answered += client->get(kDefault) ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(answered, 80);
}

std::string failure_of(const Program& program, milliseconds limit) {
  try {
    output_of(program, limit);
    return "none";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

TEST(RunProgram, ReturnsWhatIsWritten) {
  const Program program{.command = "sh",
                        .arguments = {"-c", "cat; echo \"$GREETING $1\"", "sh", "world"},
                        .environment = {{"GREETING", "hello"}}};
  EXPECT_EQ(output_of(program, test::kPatience).reveal(), "hello world\n");
}

TEST(RunProgram, FailuresNameTheProgram) {
  EXPECT_EQ(failure_of({.command = "/nowhere/plug"}, test::kPatience),
            "\"/nowhere/plug\" cannot be started: No such file or directory");
  EXPECT_EQ(
      failure_of({.command = "sh", .arguments = {"-c", "echo s3cret; exit 3"}}, test::kPatience),
      "\"sh\" ended with code 3");
  EXPECT_EQ(failure_of({.command = "sh", .arguments = {"-c", "kill -9 $$"}}, test::kPatience),
            "\"sh\" ended with code 137");
  EXPECT_EQ(failure_of({.command = "cat", .arguments = {"/dev/zero"}}, test::kPatience),
            "\"cat\" wrote more than 1048576 bytes");
}

/// Running: neither gone nor waiting for somebody to take note of its end.
bool is_alive(const std::string& pid) {
  std::ifstream status{"/proc/" + pid + "/stat"};
  std::string number;
  std::string name;
  std::string state;
  return status >> number >> name >> state && state != "Z";
}

TEST(RunProgram, WhatDoesNotEndIsKilledWithAllItStarted) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string file = testing::TempDir() + "alphorn-child-" + std::to_string(getpid());
  const std::string script = "sleep 600 & echo $! > " + file + "; sleep 600";
  EXPECT_EQ(failure_of({.command = "sh", .arguments = {"-c", script}}, milliseconds{4000}),
            "\"sh\" did not end within 4 s");
  const std::string pid = trimmed(read_file(file));
  std::filesystem::remove(file);
  EXPECT_TRUE(test::eventually([&] { return !is_alive(pid); }));
  EXPECT_EQ(
      failure_of({.command = "sh", .arguments = {"-c", "exec >&-; sleep 600"}}, milliseconds{1000}),
      "\"sh\" did not end within 1 s");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, test::kPatience);
}

}  // namespace
}  // namespace alphorn::kube
