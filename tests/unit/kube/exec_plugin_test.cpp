#include "kube/exec_plugin.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

namespace alphorn::kube {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kV1 = "client.authentication.k8s.io/v1";

json answer(const json& status, const std::string& version = kV1) {
  return {{"apiVersion", version}, {"kind", "ExecCredential"}, {"status", status}};
}

class ExecPluginTest : public testing::Test {
 protected:
  static ExecConfig config() {
    return {.field = "/k: users[u].exec",
            .api_version = kV1,
            .program = {.command = "plug"},
            .install_hint = "Install plug from your distribution."};
  }
  ExecPlugin plugin(ExecConfig config = ExecPluginTest::config()) {
    return ExecPlugin{std::move(config),
                      [this](const Program& program, std::chrono::milliseconds) {
                        ++runs_;
                        program_ = program;
                        if (prints_.is_null())
                          throw std::runtime_error("\"plug\" ended with code 3");
                        return Secret{prints_.dump()};
                      },
                      [this] { return now_; }};
  }
  std::string refusal(const json& printed) {
    prints_ = printed;
    try {
      ExecPlugin tried{plugin()};
      tried.credential();
      return "accepted";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  TimePoint now_ = *parse_time("2026-11-23T12:00:00Z");
  json prints_ = answer({{"token", "first"}});
  int runs_ = 0;
  Program program_;
};

TEST_F(ExecPluginTest, RunsOnceForACredentialWithoutAnEnd) {
  ExecPlugin tried{plugin()};
  EXPECT_EQ(tried.credential().token.reveal(), "first");
  now_ += std::chrono::hours{1000};
  tried.credential();
  EXPECT_EQ(runs_, 1);
}

TEST_F(ExecPluginTest, RunsAgainWhenTheCredentialExpires) {
  prints_ = answer({{"token", "first"}, {"expirationTimestamp", "2026-11-23T12:10:00Z"}});
  ExecPlugin tried{plugin()};
  tried.credential();
  now_ += seconds{599};
  EXPECT_EQ(tried.credential().token.reveal(), "first");
  prints_ = answer({{"token", "second"}});
  now_ += seconds{1};
  EXPECT_EQ(tried.credential().token.reveal(), "second");
  EXPECT_EQ(runs_, 2);
}

TEST_F(ExecPluginTest, RunsAgainAfterARefusalButNotForEachOne) {
  ExecPlugin tried{plugin()};
  tried.credential();
  now_ += seconds{10};
  tried.drop();
  tried.credential();
  EXPECT_EQ(runs_, 2);
  tried.drop();  // of a request that was under way
  tried.credential();
  EXPECT_EQ(runs_, 2);
}

TEST_F(ExecPluginTest, AFailureIsNotRepeatedForEveryRequest) {
  prints_ = nullptr;
  ExecPlugin tried{plugin()};
  EXPECT_THROW(tried.credential(), std::runtime_error);
  EXPECT_THROW(tried.credential(), std::runtime_error);
  EXPECT_EQ(runs_, 1);
  prints_ = answer({{"token", "first"}});
  now_ += seconds{5};
  EXPECT_EQ(tried.credential().token.reveal(), "first");
}

TEST_F(ExecPluginTest, AClockThatIsSetBackDoesNotKeepARefusedCredential) {
  ExecPlugin tried{plugin()};
  tried.credential();
  now_ -= std::chrono::hours{1};
  tried.drop();
  tried.credential();
  EXPECT_EQ(runs_, 2);
}

TEST_F(ExecPluginTest, TellsOnceOfAnotherCertificate) {
  prints_ = answer({{"clientCertificateData", "CERT"}, {"clientKeyData", "KEY"}});
  ExecPlugin tried{plugin()};
  EXPECT_EQ(tried.credential().key_pem.reveal(), "KEY");
  EXPECT_TRUE(tried.take_renewed());
  EXPECT_FALSE(tried.take_renewed());
  now_ += seconds{10};
  tried.drop();
  tried.credential();
  EXPECT_FALSE(tried.take_renewed()) << "it printed the same again";
  now_ += seconds{10};
  tried.drop();
  prints_["status"]["clientCertificateData"] = "OTHER";
  tried.credential();
  EXPECT_TRUE(tried.take_renewed());
}

TEST_F(ExecPluginTest, IsToldOfTheClusterWhenItAsks) {
  ExecConfig asking = config();
  asking.cluster = {{"server", "https://x"}};
  ExecPlugin tried{plugin(asking)};
  tried.credential();
  EXPECT_EQ(json::parse(program_.environment.at("KUBERNETES_EXEC_INFO")),
            (json{{"apiVersion", kV1},
                  {"kind", "ExecCredential"},
                  {"spec", {{"interactive", false}, {"cluster", {{"server", "https://x"}}}}}}));
}

TEST_F(ExecPluginTest, RefusalsNameTheFieldAndNeverTheAnswer) {
  const std::vector<std::pair<json, const char*>> cases{
      {json("s3cret"), "\"plug\" printed no ExecCredential"},
      {answer({{"token", "s3cret"}}, "client.authentication.k8s.io/v1beta1"), "another apiVersion"},
      {answer({{"clientKeyData", "s3cret"}}), "a client certificate or its key, and not both"},
      {answer({{"expirationTimestamp", "s3cret"}}), "neither a token nor a client certificate"},
      {answer({{"token", "s3cret"}, {"expirationTimestamp", "s3cret"}}), "that is no time"}};
  for (const auto& [printed, expected] : cases) {
    const std::string text = refusal(printed);
    EXPECT_THAT(text, HasSubstr("/k: users[u].exec: "));
    EXPECT_THAT(text, HasSubstr(expected));
    EXPECT_THAT(text, Not(HasSubstr("s3cret")));
  }
}

TEST_F(ExecPluginTest, AFailureCarriesTheHintHowToInstallIt) {
  EXPECT_EQ(refusal(nullptr),
            "/k: users[u].exec: \"plug\" ended with code 3. Install plug from your distribution.");
}

}  // namespace
}  // namespace alphorn::kube
