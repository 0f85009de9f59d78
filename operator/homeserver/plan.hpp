#pragma once

#include <map>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "homeserver/components.hpp"
#include "homeserver/world.hpp"

namespace alphorn::homeserver {

/// Server-side apply of one manifest.
struct Apply {
  json manifest;
};

/// A Secret whose values are drawn now, once. One that is there and has merely lost its labels is
/// taken back. Where data may exist whose keys these would be, none are drawn.
struct CreateSecret {
  manifests::SecretRecipe recipe;
  bool may_draw = true;
};

/// New values for some of the homeserver's keys: WHAT -> the wish that is fulfilled by it. One
/// write of one Secret, over exactly what was seen: it happens once or not at all.
struct RotateKeys {
  std::string secret_name;
  std::map<std::string, std::string> rotations;
};

/// Annotations of a certificate's Secret; see certificates::seal_of().
inline constexpr const char* kCertificateFacts = "alphorn.dev/certificate";
inline constexpr const char* kCertificateSeal = "alphorn.dev/certificate-seal";

/// A new certificate in its Secret: none yet, other hosts, another authority, or its life runs out.
struct IssueCertificate {
  CertificateWish wish;
};

/// Make the account. Once it is done the status tells so: see registration_of().
struct RegisterAdministrator {
  AdministratorWish wish;
};

/// Annotation of the login's Secret: a manifests::DatabaseLogin, and what it leads to.
inline constexpr const char* kDatabaseLogin = "alphorn.dev/database-login";

/// Write the login's Secret: passwords that are there stay, those that are missing are drawn.
struct WriteLogin {
  LoginWish wish;
};

/// Exactly the object that was seen: its uid and resource version are preconditions.
struct Delete {
  std::string api_version;  ///< as it was seen: not every cluster serves the same versions
  std::string kind;
  std::string name;
  std::string uid;
  std::string resource_version;
};

Delete deletion_of(const json& object);

/// Data or keys, gone for ever: what was seen is marked, then deleted. The mark says for whom, and
/// the chart's admission policy refuses to delete what is kept without it.
struct Erase {
  Delete object;
};

/// The manifest that mends a drawn Secret's metadata and leaves its values alone.
json secret_metadata(const manifests::SecretRecipe& recipe);

using Step = std::variant<Apply, CreateSecret, RotateKeys, IssueCertificate, RegisterAdministrator,
                          WriteLogin, Delete, Erase>;

/// It changes nothing for who is served: a component that was ready stays so meanwhile.
bool is_upkeep(const Step& step);

/// What happens to one component in this pass.
struct ComponentPlan {
  std::string component;
  std::vector<Step> steps;
  Readiness readiness;  ///< before the steps; a hindrance (see below) takes precedence
};

struct Plan {
  std::vector<ComponentPlan> components;  ///< in table order
  std::vector<Step> clean_up;             ///< our own objects that nothing wishes for any more

  bool empty() const;  ///< no step at all
};

/// One line a step, never a value of a Secret.
std::string describe(const Step& step);
std::ostream& operator<<(std::ostream& out, const Plan& plan);

/// A certificate that the operator issued must make place for another: it nears its end, or its
/// authority does.
bool renewal_is_due(const World& world, TimePoint now);

class Settled;

/// The steps from what is to what should be: desires and compares component by component, those
/// that `settled` vouches for left out; a component whose needs are not ready gets no steps. What
/// is not wished for any more goes once all else is as it should be. Pure but for what it notes in
/// `settled`; `now` decides only whether a certificate is due.
Plan diff(const World& world, TimePoint now, Settled& settled);

/// The manifest with a hash of itself: fields that a later release no longer sends would otherwise
/// go unnoticed, since a comparison sees only what is sent.
json stamped(json manifest);

/// The object that a wish is about; nothing when it makes none of its own.
std::optional<ChildId> wished_id(const Wish& wish);

/// True when `actual` lacks or changed anything that `desired` says. Fields that `desired` does not
/// mention are somebody else's. Items of a list are matched by their natural key (name, mountPath
/// ...).
bool differs(const json& desired, const json& actual);

}  // namespace alphorn::homeserver
