#include "certificates/rollover.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace alphorn::certificates {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::ThrowsMessage;
const TimePoint kNow = *parse_time("2026-11-23T12:00:00Z");
constexpr seconds kDay = hours{24};

Trust a_settled_authority() { return Trust{.present = new_authority(kNow)}; }

/// Announced at kNow, with a day of overlap.
Trust an_announced_one() {
  return moved(a_settled_authority(), Move::announce, kDay, new_authority(kNow), kNow);
}
Trust a_switched_one() { return moved(an_announced_one(), Move::take_over, kDay, {}, kNow + kDay); }

TEST(Rollover, IsDueAtTwoThirdsOfTheLifeOrOnRequest) {
  const Trust trust = a_settled_authority();
  EXPECT_EQ(due_move(trust, false, kNow), Move::none);
  EXPECT_EQ(due_move(trust, true, kNow), Move::announce);
  EXPECT_EQ(due_move(trust, false, kNow + hours(24 * 365 * 7)), Move::announce);
}

TEST(Rollover, GoesFromPhaseToPhaseAndEndsSettled) {
  Trust trust = an_announced_one();
  const std::string coming = trust.next->certificate_pem;
  const std::string former = trust.present.certificate_pem;
  EXPECT_EQ(due_move(trust, true, kNow + kDay / 2), Move::none) << "one at a time";
  EXPECT_EQ(due_move(trust, false, kNow + kDay), Move::take_over);
  trust = a_switched_one();
  EXPECT_EQ(due_move(trust, false, trust.since + kDay), Move::drop);
  trust = moved(trust, Move::drop, kDay, {}, kNow + 2 * kDay);
  EXPECT_EQ(due_move(trust, false, trust.since + kDay / 2), Move::finish);
  trust = moved(trust, Move::finish, kDay, {}, kNow + 3 * kDay);
  EXPECT_EQ(trust.phase, Trust::Phase::settled);
  EXPECT_EQ(trust.former_pem, "");
  EXPECT_NE(coming, former);
}

TEST(Rollover, TheNewOneIsTrustedBeforeItSignsAndTheOldOneAfter) {
  const Trust announced = an_announced_one();
  const View early = view_of(announced, "uid", kNow + kDay / 2);
  EXPECT_THAT(early.bundle, HasSubstr(announced.next->certificate_pem));
  EXPECT_THAT(early.bundle, HasSubstr(announced.present.certificate_pem));
  EXPECT_FALSE(early.reissue_from);
  const Trust switched = a_switched_one();
  const View late = view_of(switched, "uid", switched.since);
  EXPECT_THAT(late.bundle, HasSubstr(switched.former_pem));
  ASSERT_TRUE(late.reissue_from);
  EXPECT_LE(*late.reissue_from, switched.since + kDay / 2);
}

TEST(Rollover, TenantsFollowOneAfterTheOther) {
  const Trust trust = an_announced_one();
  std::set<TimePoint> turns;
  for (int tenant = 0; tenant < 100; ++tenant) {
    const View view = view_of(trust, std::to_string(tenant), kNow - seconds{1});
    ASSERT_TRUE(view.changes_at);
    EXPECT_GE(*view.changes_at, kNow);
    EXPECT_LE(*view.changes_at, kNow + kDay / 2);
    turns.insert(*view.changes_at);
  }
  EXPECT_GT(turns.size(), 90U);
}

TEST(Rollover, SurvivesBeingWrittenDownInEveryPhase) {
  for (const Trust& trust : {a_settled_authority(), an_announced_one(), a_switched_one(),
                             moved(a_switched_one(), Move::drop, kDay, {}, kNow + 2 * kDay)}) {
    const json secret = secret_with(trust, nullptr, "system");
    const Trust read = trust_from(secret, kNow);
    EXPECT_EQ(read.phase, trust.phase);
    EXPECT_EQ(secret_with(read, secret, "system"), secret);
  }
}

TEST(Rollover, TheFormerOnesKeyIsGone) {
  const json secret =
      secret_with(a_switched_one(), secret_with(an_announced_one(), nullptr, "s"), "s");
  EXPECT_FALSE(secret["data"].contains("next.key"));
  EXPECT_FALSE(secret["data"].contains("former.key"));
  EXPECT_TRUE(secret["data"].contains("former.crt"));
}

TEST(Rollover, ASecretOfBeforeRolloversIsAnAuthorityAtRest) {
  json secret = secret_with(a_settled_authority(), nullptr, "system");
  EXPECT_FALSE(secret["metadata"].contains("annotations"));
  EXPECT_EQ(trust_from(secret, kNow).phase, Trust::Phase::settled);
}

TEST(Rollover, WhoeverTakesTheFormerOneAwayEndsIt) {
  json secret = secret_with(a_switched_one(), nullptr, "system");
  secret["data"].erase("former.crt");
  EXPECT_EQ(trust_from(secret, kNow).phase, Trust::Phase::settled);
}

TEST(Rollover, WhatIsNoAuthorityIsNamed) {
  json secret = secret_with(an_announced_one(), nullptr, "system");
  secret["data"]["next.crt"] = secret["data"]["tls.crt"];
  EXPECT_THAT([&] { trust_from(secret, kNow); },
              ThrowsMessage<std::runtime_error>(HasSubstr("next.crt and next.key")));
  EXPECT_THAT([&] { trust_from(secret, kNow + hours(24 * 3660)); },
              ThrowsMessage<std::runtime_error>(HasSubstr("tls.crt and tls.key")));
}

TEST(Rollover, TheRequestSaysHowLongTheOverlapIs) {
  json secret = secret_with(a_settled_authority(), nullptr, "system");
  EXPECT_FALSE(requested_overlap(secret));
  json& request = secret["metadata"]["annotations"][kRolloverAnnotation];
  request = "";
  EXPECT_EQ(requested_overlap(secret), kOverlap);
  request = "3d";
  EXPECT_EQ(requested_overlap(secret), 3 * kDay);
  for (const char* wrong : {"soon", "9s", "366d", "-3h", "h", "99999999999h"}) {
    request = wrong;
    EXPECT_THAT([&] { requested_overlap(secret); },
                ThrowsMessage<std::runtime_error>(HasSubstr(wrong)));
  }
  forget_request(secret);
  EXPECT_FALSE(requested_overlap(secret));
}

TEST(Rollover, AnAuthorityInPlaceOfALostOneLetsItsCertificatesLive) {
  const KeyPair lost = new_authority(kNow);
  const Trust trust = in_place_of(new_authority(kNow), lost.certificate_pem, kNow);
  const View view = view_of(trust, "uid", kNow);
  EXPECT_THAT(view.bundle, HasSubstr(lost.certificate_pem));
  ASSERT_TRUE(view.reissue_from);
  EXPECT_GE(*view.reissue_from, kNow + kOverlap);
  EXPECT_EQ(in_place_of(new_authority(kNow), "", kNow).phase, Trust::Phase::settled);
}

TEST(Rollover, CertificatesAreToldApart) {
  const std::string one = new_authority(kNow).certificate_pem;
  const std::string two = new_authority(kNow).certificate_pem;
  EXPECT_THAT(split_pem(one + two), testing::ElementsAre(one, two));
  EXPECT_THAT(split_pem("-----BEGIN CERTIFICATE-----\nhalf"), testing::IsEmpty());
}

}  // namespace
}  // namespace alphorn::certificates
