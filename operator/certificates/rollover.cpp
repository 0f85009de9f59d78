#include "certificates/rollover.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/encoding.hpp"
#include "manifests/vocabulary.hpp"

namespace alphorn::certificates {

namespace {

using std::chrono::seconds;
using Phase = Trust::Phase;

constexpr const char* kCommonName = "Alphorn tenants";
constexpr seconds kShortest{10};
constexpr seconds kLongest = std::chrono::hours{24 * 365};

constexpr const char* kPhase = "alphorn.dev/rollover-phase";
constexpr const char* kSince = "alphorn.dev/rollover-since";
constexpr const char* kOverlapSeconds = "alphorn.dev/rollover-overlap-seconds";

const std::vector<std::pair<Phase, std::string>>& phase_names() {
  static const std::vector<std::pair<Phase, std::string>> names{{Phase::settled, ""},
                                                                {Phase::announced, "announced"},
                                                                {Phase::switched, "switched"},
                                                                {Phase::dropping, "dropping"}};
  return names;
}

std::string name_of(Phase phase) {
  for (const auto& [known, name] : phase_names()) {
    if (known == phase) return name;
  }
  throw std::logic_error("no such phase of a rollover");
}

Phase phase_named(const std::string& wanted) {
  for (const auto& [phase, name] : phase_names()) {
    if (name == wanted) return phase;
  }
  throw std::runtime_error(std::string{"annotation "} + kPhase + " is \"" + wanted +
                           "\", which is no phase of a rollover");
}

/// Tenants follow one after the other in the first half of the overlap, always in the same order.
seconds shift_of(const std::string& tenant_uid, seconds overlap) {
  constexpr std::size_t kDigits = 8;
  constexpr double kRange = 4294967296.0;  // 16^8
  const double place = std::stoul(sha256_hex(tenant_uid).substr(0, kDigits), nullptr, 16) / kRange;
  return std::chrono::duration_cast<seconds>(overlap / 2 * place);
}

std::string decoded(const json& secret, const std::string& key) {
  const json& data = at_path(secret, "data");
  return data.is_object() ? base64_decode(data.value(key, "")) : "";
}

/// Leaves signed by anything else would be found wanting and issued again without end.
KeyPair pair_in(const json& secret, const std::string& name, TimePoint now) {
  KeyPair pair{decoded(secret, name + ".crt"), Secret{decoded(secret, name + ".key")}};
  if (!is_authority(pair.certificate_pem, now) ||
      !key_matches(pair.certificate_pem, pair.key_pem)) {
    throw std::runtime_error(name + ".crt and " + name +
                             ".key are no certificate authority in force; restore the Secret from "
                             "a backup, or delete it to have a new one made");
  }
  return pair;
}

void put(json& secret, const char* map, const std::string& key, const std::string& value) {
  json& parent = std::string_view{map} == "data" ? secret : secret["metadata"];
  if (!value.empty()) {
    parent[map][key] = value;
  } else if (parent.contains(map) && parent[map].is_object()) {
    parent[map].erase(key);
  }
}

}  // namespace

View view_of(const Trust& trust, const std::string& tenant_uid, TimePoint now) {
  View view{.bundle = trust.present.certificate_pem, .reissue_from = {}, .changes_at = {}};
  if (trust.phase == Phase::settled) return view;
  const TimePoint turn = trust.since + shift_of(tenant_uid, trust.overlap);
  if (now < turn) view.changes_at = turn;
  switch (trust.phase) {
    case Phase::announced:
      if (now >= turn) view.bundle += trust.next.value().certificate_pem;
      break;
    case Phase::switched:
      view.bundle += trust.former_pem;
      view.reissue_from = turn;
      break;
    case Phase::dropping:
      if (now < turn) view.bundle += trust.former_pem;
      view.reissue_from = trust.since;
      break;
    case Phase::settled:
      break;
  }
  return view;
}

Move due_move(const Trust& trust, bool asked_for, TimePoint now) {
  if (trust.phase == Phase::settled && asked_for) return Move::announce;
  if (now < due_at(trust)) return Move::none;
  switch (trust.phase) {
    case Phase::settled:
      return Move::announce;
    case Phase::announced:
      return Move::take_over;
    case Phase::switched:
      return Move::drop;
    case Phase::dropping:
      return Move::finish;
  }
  return Move::none;
}

TimePoint due_at(const Trust& trust) {
  switch (trust.phase) {
    case Phase::settled:
      return renewal_due(inspect(trust.present.certificate_pem).value());
    case Phase::announced:
    case Phase::switched:
      return trust.since + trust.overlap;
    case Phase::dropping:
      return trust.since + trust.overlap / 2;
  }
  throw std::logic_error("no such phase of a rollover");
}

Trust moved(const Trust& trust, Move move, seconds overlap, const std::optional<KeyPair>& fresh,
            TimePoint now) {
  Trust result = trust;
  result.since = now;
  switch (move) {
    case Move::announce:
      result.phase = Phase::announced;
      result.next = fresh.value();
      result.overlap = overlap;
      break;
    case Move::take_over:
      result.phase = Phase::switched;
      result.former_pem = trust.present.certificate_pem;
      result.present = trust.next.value();
      result.next.reset();
      break;
    case Move::drop:
      result.phase = Phase::dropping;
      break;
    case Move::finish:
      result = Trust{.present = trust.present};
      break;
    case Move::none:
      return trust;
  }
  return result;
}

Trust in_place_of(KeyPair present, std::string former_pem, TimePoint now) {
  Trust trust{.present = std::move(present)};
  if (former_pem.empty()) return trust;
  trust.former_pem = std::move(former_pem);
  trust.phase = Phase::switched;
  trust.overlap = kOverlap;
  trust.since = now + kOverlap;  // as if it had been announced now
  return trust;
}

Trust trust_from(const json& secret, TimePoint now) {
  Trust trust{.present = pair_in(secret, "tls", now)};
  trust.phase = phase_named(manifests::annotation_of(secret, kPhase));
  if (trust.phase == Phase::settled) return trust;
  const auto since = parse_time(manifests::annotation_of(secret, kSince));
  const std::string overlap = manifests::annotation_of(secret, kOverlapSeconds);
  const bool is_number = !overlap.empty() && overlap.size() < 10 &&
                         overlap.find_first_not_of("0123456789") == std::string::npos;
  if (!since || !is_number) {
    throw std::runtime_error(std::string{"annotations "} + kSince + " and " + kOverlapSeconds +
                             " must hold a time and a number");
  }
  trust.since = *since;
  trust.overlap = seconds{std::stol(overlap)};
  trust.former_pem = decoded(secret, "former.crt");
  if (trust.phase == Phase::announced) {
    trust.next = pair_in(secret, "next", now);
  } else if (trust.former_pem.empty()) {
    return Trust{.present = trust.present};  // somebody took the former away: that ends it
  }
  return trust;
}

json secret_with(const Trust& trust, json secret, const std::string& ns) {
  if (secret.is_null()) {
    secret = {{"apiVersion", "v1"},
              {"kind", "Secret"},
              {"metadata", {{"name", kAuthoritySecret}, {"namespace", ns}}},
              {"type", "kubernetes.io/tls"}};
  }
  put(secret, "labels", manifests::kManagedByLabel, manifests::kManagedBy);
  put(secret, "labels", manifests::kKeepLabel, "true");
  const bool is_settled = trust.phase == Phase::settled;
  put(secret, "annotations", kPhase, name_of(trust.phase));
  put(secret, "annotations", kSince, is_settled ? "" : format_time(trust.since));
  put(secret, "annotations", kOverlapSeconds,
      is_settled ? "" : std::to_string(trust.overlap.count()));
  const KeyPair none;
  const KeyPair& next = trust.next ? *trust.next : none;
  put(secret, "data", "tls.crt", base64_encode(trust.present.certificate_pem));
  put(secret, "data", "tls.key", base64_encode(trust.present.key_pem.reveal()));
  put(secret, "data", "next.crt", base64_encode(next.certificate_pem));
  put(secret, "data", "next.key", base64_encode(next.key_pem.reveal()));
  put(secret, "data", "former.crt", base64_encode(trust.former_pem));
  return secret;
}

void forget_request(json& secret) { put(secret, "annotations", kRolloverAnnotation, ""); }

std::optional<seconds> requested_overlap(const json& secret) {
  const json& annotations = at_path(secret, "metadata/annotations");
  if (!annotations.is_object() || !annotations.contains(kRolloverAnnotation)) return std::nullopt;
  const std::string text = annotations.value(kRolloverAnnotation, "");
  if (text.empty()) return kOverlap;
  static const std::vector<std::pair<char, seconds>> units{{'s', seconds{1}},
                                                           {'m', std::chrono::minutes{1}},
                                                           {'h', std::chrono::hours{1}},
                                                           {'d', std::chrono::hours{24}}};
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const auto& one) { return one.first == text.back(); });
  const std::string number = text.substr(0, text.size() - 1);
  if (unit != units.end() && !number.empty() && number.size() < 9 &&
      number.find_first_not_of("0123456789") == std::string::npos) {
    const seconds overlap = std::stol(number) * unit->second;
    if (overlap >= kShortest && overlap <= kLongest) return overlap;
  }
  throw std::runtime_error(std::string{"annotation "} + kRolloverAnnotation + " is \"" + text +
                           "\", which is no time from 10s to 365d, such as 72h or 14d");
}

KeyPair new_authority(TimePoint now) {
  return make_authority(std::string{kCommonName} + " " + format_time(now), now);
}

std::vector<std::string> split_pem(const std::string& text) {
  static const std::string begin = "-----BEGIN CERTIFICATE-----";
  static const std::string end = "-----END CERTIFICATE-----";
  std::vector<std::string> result;
  for (std::size_t from = text.find(begin); from != std::string::npos;
       from = text.find(begin, from)) {
    const std::size_t to = text.find(end, from);
    if (to == std::string::npos) break;
    result.push_back(text.substr(from, to + end.size() - from) + "\n");
    from = to;
  }
  return result;
}

}  // namespace alphorn::certificates
