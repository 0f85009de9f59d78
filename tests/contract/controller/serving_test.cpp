#include "controller/serving.hpp"

#include <gmock/gmock.h>

#include "controller/work_queue.hpp"
#include "http/transport.hpp"

namespace alphorn::controller {
namespace {

using testing::HasSubstr;

http::Response get(const Serving& serving, const std::string& path) {
  const auto transport =
      http::make_transport({.url = "http://127.0.0.1:" + std::to_string(serving.port())});
  return transport->send({.target = path}, {});
}

TEST(Serving, ShowsMetricsAndChecks) {
  WorkQueue queue{"served"};
  queue.add({"acme", "acme"});
  std::string trouble;
  const Serving serving{{.port = 0, .live = [&] { return trouble; }}};
  EXPECT_EQ(get(serving, "/livez").status, 200);
  EXPECT_EQ(get(serving, "/readyz").status, 200);
  EXPECT_THAT(get(serving, "/metrics").body, HasSubstr("workqueue_depth{name=\"served\"} 1"));
  EXPECT_EQ(get(serving, "/").status, 404);

  trouble = "the lease is stuck";
  const http::Response refused = get(serving, "/livez");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, "the lease is stuck\n");
}

TEST(Serving, ACheckThatThrowsIsATrouble) {
  const Serving serving{
      {.port = 0, .ready = []() -> std::string { throw std::runtime_error("no cache"); }}};
  EXPECT_EQ(get(serving, "/readyz").body, "no cache\n");
}

TEST(Serving, ATakenPortIsNamed) {
  const Serving first{{.port = 0}};
  try {
    const Serving second{{.port = first.port()}};
    FAIL() << "one port served twice";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr(std::to_string(first.port())));
  }
}

}  // namespace
}  // namespace alphorn::controller
