// What is refused before anything is sent.
#include <gmock/gmock.h>

#include <stdexcept>

#include "http/transport.hpp"

namespace alphorn::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

template <typename Try>
std::string refusal(const Try& tried) {
  try {
    tried();
    return "accepted";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(CurlTransport, AProxysUrlIsCheckedAndNeverQuoted) {
  for (const char* url : {"http://me:s3cret@proxy:99999", "http://me:s3 cret@proxy", "s3cret",
                          "https://me:s3cret@proxy", "http://me:s3cret@"}) {
    EXPECT_THAT(refusal([&] { make_transport({.url = "https://x", .proxy_url = Secret{url}}); }),
                AllOf(HasSubstr("the proxy's URL"), Not(HasSubstr("s3"))))
        << url;
  }
  for (const char* url :
       {"", "http://proxy", "http://me:s3cret@proxy:3128", "socks5://[::1]:1080"}) {
    EXPECT_EQ(refusal([&] { make_transport({.url = "https://x", .proxy_url = Secret{url}}); }),
              "accepted");
  }
}

TEST(CurlTransport, ALineBreakInAHeaderIsRefused) {
  const auto transport = make_transport({.url = "http://127.0.0.1:9"});
  for (const std::string value : {"Bearer s3cret\n", "a\r\nImpersonate-User: s3cret"}) {
    EXPECT_THAT(
        refusal([&] {
          transport->send({.headers = {{"Authorization", value}}}, {});
        }),
        AllOf(HasSubstr("the header Authorization holds a line break"), Not(HasSubstr("s3cret"))));
    EXPECT_THAT(refusal([&] {
                  transport->send({.further_headers = {{"X", value}}}, {});
                }),
                HasSubstr("the header X holds a line break"));
  }
}

}  // namespace
}  // namespace alphorn::http
