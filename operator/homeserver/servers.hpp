#pragma once

#include <optional>
#include <stop_token>

#include "base/secret.hpp"
#include "homeserver/world.hpp"
#include "manifests/tenant.hpp"
#include "matrix/homeserver.hpp"

namespace alphorn::homeserver {

/// A tenant's own programs, spoken to over the cluster's network. Thread-safe.
class Servers {
 public:
  virtual ~Servers() = default;

  /// Its release, its keys, and whether it reaches its database. Never throws but on stop: trouble
  /// is the answer's `problem`.
  virtual Answer ask_homeserver(const manifests::Tenant& tenant, std::stop_token stop) = 0;

  /// Whether a client gets through: TLS under the public name with our authority, then the
  /// homeserver; or, of one that is fenced, that nobody does.
  virtual Answer ask_gateway(const manifests::Tenant& tenant, std::stop_token stop) = 0;

  /// How the bucket of uploaded files is, as who watches over it found. Throws as the others do.
  virtual BucketAnswer ask_bucket(const manifests::Tenant& tenant, std::stop_token stop) = 0;
  /// Whether a browser gets through to the web client's configuration.
  virtual Answer ask_web(const manifests::Tenant& tenant, std::stop_token stop) = 0;

  /// Whether an app learns who keeps the accounts; or, of one that is fenced, that it does not.
  virtual Answer ask_mas(const manifests::Tenant& tenant, std::stop_token stop) = 0;

  /// Whether people get into calls, as an app would.
  virtual Answer ask_calls(const manifests::Tenant& tenant, std::stop_token stop) = 0;
  /// Whether media get to where clients send them. Where nobody answers it waits, and waits in
  /// vain.
  virtual MediaAnswer ask_media(const manifests::Tenant& tenant, std::stop_token stop) = 0;

  /// How many people are logged in by one of the mautrix family; nothing when nobody tells.
  virtual std::optional<int> ask_logins(const manifests::Tenant& tenant, const api::Bridge& bridge,
                                        const Secret& database_password) = 0;

  /// See matrix::Homeserver::ensure_administrator and matrix::AuthenticationService: by the secret
  /// of whoever keeps the accounts.
  virtual void ensure_administrator(const manifests::Tenant& tenant, const Secret& password,
                                    const Secret& shared_secret,
                                    matrix::Homeserver::Existing existing,
                                    std::stop_token stop) = 0;
};

/// The real ones, by their Services' names.
class ClusterServers final : public Servers {
 public:
  Answer ask_homeserver(const manifests::Tenant& tenant, std::stop_token stop) override;
  Answer ask_gateway(const manifests::Tenant& tenant, std::stop_token stop) override;
  BucketAnswer ask_bucket(const manifests::Tenant& tenant, std::stop_token stop) override;
  Answer ask_web(const manifests::Tenant& tenant, std::stop_token stop) override;
  Answer ask_mas(const manifests::Tenant& tenant, std::stop_token stop) override;
  Answer ask_calls(const manifests::Tenant& tenant, std::stop_token stop) override;
  MediaAnswer ask_media(const manifests::Tenant& tenant, std::stop_token stop) override;
  std::optional<int> ask_logins(const manifests::Tenant& tenant, const api::Bridge& bridge,
                                const Secret& database_password) override;
  void ensure_administrator(const manifests::Tenant& tenant, const Secret& password,
                            const Secret& shared_secret, matrix::Homeserver::Existing existing,
                            std::stop_token stop) override;
};

}  // namespace alphorn::homeserver
