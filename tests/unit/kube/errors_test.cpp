#include "kube/errors.hpp"

#include <gmock/gmock.h>

#include "support/scripted_transport.hpp"

namespace alphorn::kube {
namespace {

using test::status_object;

http::Response response(int status, const std::string& body, http::Headers headers = {}) {
  return {status, std::move(headers), body};
}

TEST(Errors, CarryReasonAndMessageOfTheStatusObject) {
  const ApiError error =
      error_from_response(response(409, status_object(409, "Conflict", "was changed").dump()));
  EXPECT_EQ(error.status(), 409);
  EXPECT_TRUE(error.is_conflict());
  EXPECT_STREQ(error.what(), "was changed");
}

TEST(Errors, TellAnExistingObjectFromAConflict) {
  const ApiError error =
      error_from_response(response(409, status_object(409, "AlreadyExists").dump()));
  EXPECT_TRUE(error.already_exists());
  EXPECT_FALSE(error.is_conflict());
}

TEST(Errors, TheHeaderWinsOverTheBodysRetryTime) {
  json status = status_object(429, "TooManyRequests");
  status["details"] = {{"retryAfterSeconds", 9}};
  EXPECT_EQ(error_from_response(response(429, status.dump())).retry_after(),
            std::chrono::seconds{9});
  EXPECT_EQ(error_from_response(response(429, status.dump(), {{"retry-after", "3"}})).retry_after(),
            std::chrono::seconds{3});
  EXPECT_EQ(error_from_response(response(429, "", {{"Retry-After", "tomorrow"}})).retry_after(),
            std::nullopt);
}

TEST(Errors, ATooLargeVersionIsTheTimeoutWithThatCause) {
  json status = status_object(504, "Timeout");
  EXPECT_FALSE(error_from_status(status).is_too_large_version());
  status["details"] = {{"causes", json::array({{{"reason", "ResourceVersionTooLarge"}}})}};
  EXPECT_TRUE(error_from_status(status).is_too_large_version());
}

TEST(Errors, AProxysPageIsShortened) {
  const ApiError error = error_from_response(response(502, std::string(5000, 'x')));
  EXPECT_EQ(error.status(), 502);
  EXPECT_LT(std::string{error.what()}.size(), 400U);
}

TEST(Errors, OnlyFailuresThrow) {
  EXPECT_NO_THROW(throw_if_failed(response(201, "")));
  EXPECT_THROW(throw_if_failed(response(404, "")), ApiError);
}

}  // namespace
}  // namespace alphorn::kube
