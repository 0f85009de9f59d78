#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "certificates/certificates.hpp"

/// How one authority takes the place of another without a moment in which anybody who trusts what
/// is published distrusts what is shown. Pure; docs/decisions/0018 says why it goes like this.
namespace alphorn::certificates {

/// The operator's authority as its Secret says: the one that signs, and while a rollover is under
/// way the one that will sign or the one that did.
struct Trust {
  /// settled -> announced (both are published) -> switched (the next one signs, certificates are
  /// issued anew) -> dropping (the former goes from what is published) -> settled
  enum class Phase { settled, announced, switched, dropping };

  KeyPair present;
  std::optional<KeyPair> next = {};  ///< while announced
  std::string former_pem = {};       ///< one or several, while switched or dropping; no key
  Phase phase = Phase::settled;
  TimePoint since = {};               ///< when the phase began; may lie ahead
  std::chrono::seconds overlap = {};  ///< how long the phases "announced" and "switched" last
  /// Why the Secret is not believed, and what is here is of an earlier time; "" when it is.
  std::string problem = {};
};

/// What one tenant makes of it. Tenants follow one after the other, within the first half of the
/// overlap.
struct View {
  std::string bundle;                     ///< PEM: whom to trust
  std::optional<TimePoint> reissue_from;  ///< when certificates of the former make place
  std::optional<TimePoint> changes_at;    ///< when this view will be another
};
View view_of(const Trust& trust, const std::string& tenant_uid, TimePoint now);

/// What is to be done next about the authority.
enum class Move { none, announce, take_over, drop, finish };
Move due_move(const Trust& trust, bool asked_for, TimePoint now);

/// When to look again though nothing changes.
TimePoint due_at(const Trust& trust);

/// The rollover's next phase. `fresh` is the authority to come, of Move::announce alone.
Trust moved(const Trust& trust, Move move, std::chrono::seconds overlap,
            const std::optional<KeyPair>& fresh, TimePoint now);

/// An authority that nobody knew before in place of others whose key is lost or was taken away:
/// it signs at once, for there is nothing else, and what the others signed stays as long as in a
/// rollover.
Trust in_place_of(KeyPair present, std::string former_pem, TimePoint now);

/// Of a rollover that comes by itself, or is asked for without a time.
inline constexpr std::chrono::seconds kOverlap = std::chrono::hours{24 * 14};

inline constexpr const char* kAuthoritySecret = "alphorn-ca";
/// Annotation by which a person asks for a rollover; its value is the overlap ("72h"), or "".
inline constexpr const char* kRolloverAnnotation = "alphorn.dev/rollover";

/// Reads the Secret. Throws std::runtime_error that names what is wrong with it.
Trust trust_from(const json& secret, TimePoint now);

/// Writes it: into a Secret that is there, or one that is to be made (null). The request for a
/// rollover is taken away with the move that grants it.
json secret_with(const Trust& trust, json secret, const std::string& ns);
void forget_request(json& secret);

/// The overlap that is asked for; nothing when no rollover is. Throws std::runtime_error when it is
/// no duration from ten seconds to a year.
std::optional<std::chrono::seconds> requested_overlap(const json& secret);

/// An authority of that moment; its name tells it from those before.
KeyPair new_authority(TimePoint now);

/// The certificates in a PEM text, each by itself.
std::vector<std::string> split_pem(const std::string& text);

}  // namespace alphorn::certificates
