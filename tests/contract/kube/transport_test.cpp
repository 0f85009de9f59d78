// The transport over TLS, against a server that somebody else wrote.
#include "http/transport.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "support/cluster.hpp"

namespace alphorn::http {
namespace {

using Kind = TransportError::Kind;
using std::chrono::microseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

Endpoint endpoint() { return test::kubeconfig().endpoint; }

/// How a request ends that cannot succeed.
std::optional<TransportError> failure_of(const Endpoint& endpoint) {
  try {
    make_transport(endpoint)->send({.target = "/readyz"}, {});
    return std::nullopt;
  } catch (const TransportError& error) {
    return error;
  }
}

constexpr const char* kOtherAuthority = R"(-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIURMPnUp3uGcDH5TBJkPeKsFULIOkwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwUc29tZS1vdGhlci1hdXRob3JpdHkwIBcNMjYxMTIzMTAwOTAy
WhgPMjEyNjEwMzAxMDA5MDJaMB8xHTAbBgNVBAMMFHNvbWUtb3RoZXItYXV0aG9y
aXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAER159RYQLL9Cyfb8/lvM1LYoP
zlFGQ+yXZ5GKW9eUefblY0dOCMRbZWotRoVQQVJqShgRzXvmLgT4Nosq50f2kqNT
MFEwHQYDVR0OBBYEFOtLP2XqzRAX/gEsPuEbIocQuPZSMB8GA1UdIwQYMBaAFOtL
P2XqzRAX/gEsPuEbIocQuPZSMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID
SAAwRQIhAOjUPS6VQdXnEQCWo96FuvIu+h7IWgz6Oh8djz5xKlpqAiAO9KP6Up3L
4oMxlPBbshtU9VTDeBwtBKJxnKUlH7gwyg==
-----END CERTIFICATE-----
)";

TEST(Transport, TrustsTheAuthorityItWasGiven) {
  const Response response = make_transport(endpoint())->send({.target = "/readyz"}, {});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok");
}

TEST(Transport, RefusesAServerOfAnotherAuthority) {
  Endpoint other = endpoint();
  other.ca_pem = kOtherAuthority;
  const auto failure = failure_of(other);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::tls);
  EXPECT_THAT(failure->what(), testing::HasSubstr("unable to get local issuer certificate"));
}

TEST(Transport, RefusesASystemAuthorityWhenNoneWasGiven) {
  Endpoint other = endpoint();
  other.ca_pem.clear();
  const auto failure = failure_of(other);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::tls);
}

TEST(Transport, ChecksTheNameInTheCertificate) {
  Endpoint wrong = endpoint();
  wrong.tls_server_name = "elsewhere.example";
  const auto failure = failure_of(wrong);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::tls);
  EXPECT_THAT(failure->what(), testing::HasSubstr("hostname mismatch"));

  wrong.tls_server_name = "127.0.0.2";
  EXPECT_THAT(failure_of(wrong)->what(), testing::HasSubstr("IP address mismatch"));
}

TEST(Transport, AnotherNameOfTheServerMayBeExpected) {
  Endpoint named = endpoint();
  named.tls_server_name = "kubernetes.default";
  EXPECT_FALSE(failure_of(named));
}

TEST(Transport, TheUrlsHostNameIsChecked) {
  Endpoint named = endpoint();
  named.url.replace(named.url.find("127.0.0.1"), 9, "localhost");
  EXPECT_FALSE(failure_of(named));
}

TEST(Transport, SaysThatNobodyListens) {
  Endpoint nobody = endpoint();
  nobody.url = "https://127.0.0.1:9";
  const auto failure = failure_of(nobody);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::connect) << failure->what();
}

TEST(Transport, ABadKeyIsRefusedBeforeAnythingIsSent) {
  Endpoint bad = endpoint();
  bad.client_key_pem = Secret{"no key"};
  EXPECT_THROW(make_transport(bad), std::invalid_argument);
  bad = endpoint();
  bad.ca_pem = "no certificate";
  EXPECT_THROW(make_transport(bad), std::invalid_argument);
  bad.url = "127.0.0.1:6443";
  EXPECT_THROW(make_transport(bad), std::invalid_argument);
}

std::string watch_target() { return "/api/v1/namespaces?watch=true&timeoutSeconds=60"; }

TEST(Transport, AStopEndsABlockedStreamAtOnce) {
  const auto transport = make_transport(endpoint());
  std::stop_source stop;
  std::atomic<int> lines{0};
  std::optional<Kind> ended;
  std::thread watcher([&] {
    try {
      transport->stream(
          {.target = watch_target()}, [&](std::string_view) { ++lines; }, seconds{90},
          stop.get_token());
    } catch (const TransportError& error) {
      ended = error.kind();
    }
  });
  EXPECT_TRUE(test::eventually([&] { return lines > 0; }));
  const auto asked = steady_clock::now();
  stop.request_stop();
  watcher.join();
  RecordProperty("microseconds", static_cast<int>((steady_clock::now() - asked) / microseconds{1}));
  EXPECT_LT(steady_clock::now() - asked, seconds{30});
  EXPECT_EQ(ended, Kind::stopped);
}

TEST(Transport, AnExceptionOfTheSinkEndsTheStreamAndArrives) {
  struct Enough {};
  const auto transport = make_transport(endpoint());
  EXPECT_THROW(transport->stream({.target = watch_target()},
                                 [](std::string_view) -> void { throw Enough{}; }, seconds{90}, {}),
               Enough);
  EXPECT_EQ(transport->send({.target = "/readyz"}, {}).status, 200);
}

TEST(Transport, SilenceEndsAStream) {
  const auto transport = make_transport(endpoint());
  const auto asked = steady_clock::now();
  try {
    transport->stream({.target = watch_target()}, [](std::string_view) {}, seconds{1}, {});
    FAIL() << "the stream outlived its silence";
  } catch (const TransportError& error) {
    EXPECT_EQ(error.kind(), Kind::timeout) << error.what();
  }
  EXPECT_LT(steady_clock::now() - asked, seconds{30}) << "it ended with the watch";
}

TEST(Transport, ARefusedStreamReturnsItsBody) {
  int lines = 0;
  const Response response = make_transport(endpoint())
                                ->stream({.target = "/api/v1/nonsense?watch=true"},
                                         [&](std::string_view) { ++lines; }, test::kPatience, {});
  EXPECT_EQ(response.status, 404);
  EXPECT_FALSE(response.body.empty());
  EXPECT_EQ(lines, 0);
}

TEST(Transport, AStreamTheServerEndsReturns) {
  const Response response =
      make_transport(endpoint())
          ->stream({.target = "/api/v1/namespaces?watch=true&timeoutSeconds=1"},
                   [](std::string_view) {}, test::kPatience, {});
  EXPECT_EQ(response.status, 200);
}

TEST(Transport, ManyThreadsShareOne) {
  const auto transport = make_transport(endpoint());
  std::atomic<int> answered{0};
  {
    std::vector<std::jthread> threads;
    for (int count = 0; count < 8; ++count) {
      threads.emplace_back([&] {
        for (int request = 0; request < 50; ++request) {
          if (transport->send({.target = "/api/v1/namespaces"}, {}).status == 200) ++answered;
        }
      });
    }
  }
  EXPECT_EQ(answered, 400);
}

std::int64_t resident_kib() {
  std::ifstream status{"/proc/self/status"};
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  }
  return 0;
}

/// An operator runs for months.
TEST(Transport, RequestsAndStreamsDoNotGrowTheProcess) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer keeps freed memory on purpose";
#endif
  const auto transport = make_transport(endpoint());
  struct Enough {};
  const auto work = [&](int rounds) {
    for (int round = 0; round < rounds; ++round) {
      for (int count = 0; count < 10; ++count)
        transport->send({.target = "/api/v1/namespaces"}, {});
      EXPECT_THROW(
          transport->stream({.target = watch_target()},
                            [](std::string_view) -> void { throw Enough{}; }, seconds{90}, {}),
          Enough);
    }
  };
  work(150);
  const std::int64_t before = resident_kib();
  work(300);
  const std::int64_t grown = resident_kib() - before;
  RecordProperty("grown_kib", static_cast<int>(grown));
  EXPECT_LT(grown, 3000) << "in 3000 requests and 300 streams";
}

TEST(Transport, ARequestIsNotSentAfterAStop) {
  std::stop_source stop;
  stop.request_stop();
  try {
    make_transport(endpoint())->send({.target = "/readyz"}, stop.get_token());
    FAIL();
  } catch (const TransportError& error) {
    EXPECT_EQ(error.kind(), Kind::stopped);
  }
}

}  // namespace
}  // namespace alphorn::http
