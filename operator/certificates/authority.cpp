#include "certificates/authority.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace alphorn::certificates {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kLongestNap = std::chrono::hours{1};
constexpr seconds kWhileHindered{60};
constexpr seconds kShortestNap{1};

TimePoint now() { return std::chrono::system_clock::now(); }

bool knows(const Trust& trust, const std::string& certificate) {
  return trust.present.certificate_pem == certificate ||
         (trust.next && trust.next->certificate_pem == certificate) ||
         trust.former_pem.find(certificate) != std::string::npos;
}

milliseconds nap_until(TimePoint time) {
  const auto left = std::chrono::ceil<milliseconds>(time - now());
  return std::clamp<milliseconds>(left, milliseconds{200}, kLongestNap);
}

struct Words {
  const char* reason;
  const char* message;
};

Words words_for(Move move) {
  switch (move) {
    case Move::announce:
      return {"RolloverAnnounced",
              "a new certificate authority is published beside the present one"};
    case Move::take_over:
      return {"RolloverTookOver",
              "the new certificate authority signs; certificates are issued anew"};
    case Move::drop:
      return {"RolloverDropsFormer",
              "no certificate of the former authority is in use; it is published no longer"};
    case Move::finish:
      return {"RolloverFinished", "the former certificate authority is forgotten"};
    case Move::none:
      break;
  }
  throw std::logic_error("nothing was done about the certificate authority");
}

}  // namespace

Authority::Authority(Parts parts) : parts_(std::move(parts)), trust_(open()) {}

std::shared_ptr<const Trust> Authority::trust() const {
  return trust_.with([](const auto& trust) { return trust; });
}

std::optional<json> Authority::read(std::stop_token stop) const {
  return parts_.client.get(
      {.kind = kube::kinds::kSecret, .ns = parts_.ns, .name = kAuthoritySecret}, std::move(stop));
}

std::shared_ptr<const Trust> Authority::open() {
  if (const auto secret = read({})) {
    uid_ = string_at(*secret, "metadata/uid");
    try {
      return std::make_shared<const Trust>(trust_from(*secret, now()));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error("Secret " + parts_.ns + "/" + kAuthoritySecret + ": " +
                               error.what());
    }
  }
  // Companies may know an authority whose key went while nobody was there to write it back.
  const std::string lost = parts_.tenants.published();
  const Trust fresh = in_place_of(new_authority(now()), lost, now());
  try {
    const auto made =
        parts_.client.create(kube::kinds::kSecret, secret_with(fresh, nullptr, parts_.ns));
    uid_ = string_at(made.read(), "metadata/uid");
  } catch (const kube::ApiError& error) {
    // A leader that has just lost its lease may have been quicker; its authority counts.
    if (!error.already_exists()) throw;
    return open();
  }
  if (!lost.empty()) {
    tell(true, "AuthorityLost",
         "the key of the certificate authority is lost; a new one signs from now on, and what the "
         "lost one signed stays for two weeks");
  }
  return std::make_shared<const Trust>(fresh);
}

controller::Outcome Authority::reconcile(std::stop_token stop) {
  const auto secret = read(stop);
  if (!secret) {
    restore(stop);
    return controller::Outcome::again_in(kShortestNap);
  }
  uid_ = string_at(*secret, "metadata/uid");
  const Trust trust = believed(*secret);
  if (!trust.problem.empty()) return controller::Outcome::again_in(kLongestNap);

  std::optional<seconds> overlap;
  try {
    overlap = requested_overlap(*secret);
  } catch (const std::runtime_error& error) {
    tell(true, "RolloverRefused", error.what());
  }
  const Move move = due_move(trust, overlap.has_value(), now());
  if (move == Move::none) {
    // What somebody took away of the Secret's labels guards it against deletion.
    if (secret_with(trust, *secret, parts_.ns) != *secret) write(trust, *secret, stop);
    return controller::Outcome::again_in(nap_until(due_at(trust)));
  }
  if (const std::string why = hindrance(trust, move); !why.empty()) {
    tell(true, "RolloverWaits", why);
    return controller::Outcome::again_in(
        std::clamp<milliseconds>(trust.overlap / 10, kShortestNap, kWhileHindered));
  }
  carry_out(move, trust, overlap.value_or(kOverlap), *secret, stop);
  return controller::Outcome::again_in(milliseconds{200});
}

void Authority::restore(std::stop_token stop) {
  const auto known = trust();
  const auto made = parts_.client.create(
      kube::kinds::kSecret, secret_with(*known, nullptr, parts_.ns), kube::DryRun::no, stop);
  uid_ = string_at(made.read(), "metadata/uid");
  tell(true, "AuthorityRestored",
       "the Secret of the certificate authority was gone; it is written back as it was");
}

Trust Authority::believed(const json& secret) {
  const auto known = trust();
  try {
    Trust read = trust_from(secret, now());
    if (!knows(read, known->present.certificate_pem)) {
      // Somebody brought an authority of their own: nobody trusts it yet.
      const std::string former = known->present.certificate_pem + known->former_pem;
      read = in_place_of(read.present, former, now());
      write(read, secret, {});
      tell(false, "AuthorityReplaced",
           "another certificate authority was put into the Secret; it signs from now on, and what "
           "the one before signed stays for two weeks");
    }
    const bool is_news = secret_with(read, nullptr, "") != secret_with(*known, nullptr, "");
    if (is_news || !known->problem.empty()) use(read);
    if (!known->problem.empty()) tell(false, "AuthorityReadable", "the Secret is in order again");
    return read;
  } catch (const std::runtime_error& error) {
    Trust kept = *known;
    kept.problem = std::string{"Secret "} + parts_.ns + "/" + kAuthoritySecret + ": " +
                   error.what() + "; the authority of before is used meanwhile";
    if (known->problem != kept.problem) {
      tell(true, "AuthorityUnreadable", kept.problem);
      use(kept);
    }
    return kept;
  }
}

std::string Authority::hindrance(const Trust& trust, Move move) const {
  if (move == Move::take_over) {
    const std::string who = parts_.tenants.who_distrusts(trust.next.value().certificate_pem);
    return who.empty() ? "" : "the new certificate authority signs once " + who + " trusts it";
  }
  if (move == Move::drop) {
    const std::string who = parts_.tenants.who_shows(trust.former_pem);
    return who.empty() ? ""
                       : "the former certificate authority stays trusted until " + who +
                             " shows a certificate of the new one";
  }
  return "";
}

void Authority::carry_out(Move move, const Trust& trust, seconds overlap, json secret,
                          std::stop_token stop) {
  std::optional<KeyPair> fresh;
  if (move == Move::announce) {
    fresh = new_authority(now());
    forget_request(secret);
  }
  const Trust then = moved(trust, move, overlap, fresh, now());
  write(then, std::move(secret), std::move(stop));
  const Words words = words_for(move);
  tell(false, words.reason, words.message);
}

/// The resource version in the Secret is the precondition: what somebody else wrote meanwhile is
/// looked at first.
void Authority::write(const Trust& trust, json secret, std::stop_token stop) {
  parts_.client.replace(kube::kinds::kSecret, secret_with(trust, std::move(secret), parts_.ns),
                        std::move(stop));
  use(trust);
}

void Authority::use(Trust trust) {
  trust_.with([&](auto& place) { place = std::make_shared<const Trust>(std::move(trust)); });
  parts_.tenants.look_again();
}

void Authority::tell(bool is_trouble, const std::string& reason, const std::string& message) {
  const std::string text = reason + ": " + message;
  if (is_trouble && told_ == text) return;  // it is known
  told_ = text;
  spdlog::log(is_trouble ? spdlog::level::warn : spdlog::level::info, "{}", text);
  using Type = controller::EventRecorder::Type;
  parts_.events.record(
      {{"apiVersion", "v1"},
       {"kind", "Secret"},
       {"metadata", {{"name", kAuthoritySecret}, {"namespace", parts_.ns}, {"uid", uid_}}}},
      is_trouble ? Type::warning : Type::normal, reason, "Rollover", message);
}

}  // namespace alphorn::certificates
