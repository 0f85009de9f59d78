#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "homeserver/world.hpp"
#include "manifests/tenant.hpp"

namespace alphorn::homeserver {

/// The gateway's certificate, to be issued by the operator's authority.
struct CertificateWish {
  std::string secret_name;
  json metadata;
  std::vector<std::string> hosts;
};

/// The account that the tenant's first administrator logs in with.
struct AdministratorWish {
  std::string secret_name;
  std::string localpart;
};

/// The Secret by which programs find the database and log in to it. Its passwords are drawn, or
/// taken from another Secret, when it is written; who may log in stands in its metadata.
struct LoginWish {
  std::string secret_name;
  json metadata;
  manifests::DatabaseLogin login;
};

/// One thing that should be so.
using Wish = std::variant<manifests::Manifest, manifests::SecretRecipe, CertificateWish,
                          AdministratorWish, LoginWish>;

/// Whether a component does its job; when not, why, in words for kubectl.
struct Readiness {
  bool ready = false;
  std::string reason;   ///< CamelCase, stable
  std::string message;  ///< stable while nothing changes, or every pass would write status
  bool operator==(const Readiness&) const = default;
};

/// A row of the table that a tenant is made of.
struct Component {
  std::string name;
  std::vector<std::string> needs;  ///< earlier rows
  std::function<std::vector<Wish>(const World&)> desire;
  std::function<Readiness(const World&)> ready;
  /// Its own objects alone tell whether it is ready; otherwise its server's answers or the status
  /// do as well.
  bool ready_by_objects = false;
  /// It is far enough for who needs it, though not ready; otherwise only what is ready is.
  std::function<bool(const World&)> suffices = nullptr;
  /// Names of the workloads whose pods it runs. They are stopped while the tenant hibernates, also
  /// when something that they need is broken.
  std::vector<std::string> (*workloads)(const manifests::Tenant&) = nullptr;
  /// People come in by it. While the tenant is fenced it is closed, also when something that it
  /// needs is broken.
  bool is_the_door = false;
  /// Whether the tenant has it at all; otherwise nobody hears of it. Unsaid: it has.
  bool (*wanted)(const manifests::Tenant&) = nullptr;
  /// What must be over before any of its steps, though nothing that it needs lacks; nothing when
  /// they may be taken.
  std::optional<Readiness> (*held_up)(const World&) = nullptr;
};

/// The table, in an order in which every need comes before who needs it.
const std::vector<Component>& components();

/// "database" -> "DatabaseNotReady" and the like.
std::string title_case(const std::string& name);

}  // namespace alphorn::homeserver
