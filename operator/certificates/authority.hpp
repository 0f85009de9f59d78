#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/locked.hpp"
#include "certificates/rollover.hpp"
#include "controller/controller.hpp"
#include "controller/events.hpp"
#include "kube/client.hpp"

namespace alphorn::certificates {

/// The operator's own certificate authority, kept in one Secret of the operator's namespace. It is
/// drawn when the first leader finds none; every leader after it uses the same and goes on with a
/// rollover where the one before stopped. A Secret that goes while a leader runs is written back.
/// Thread-safe.
class Authority {
 public:
  /// What only the tenants can tell. Each returns the first tenant in the way, "" when there is
  /// none. All may be called from any thread.
  struct Tenants {
    /// Whether companies' clients and servers trust that certificate.
    std::function<std::string(const std::string& pem)> who_distrusts;
    /// Whether a company still shows a certificate that one of these signed.
    std::function<std::string(const std::string& pem)> who_shows;
    /// Certificates of authorities that companies published as trusted.
    std::function<std::string()> published;
    /// All of them have to look at the authority again.
    std::function<void()> look_again;
  };
  /// References must outlive the authority.
  struct Parts {
    const kube::Client& client;
    controller::EventRecorder& events;
    std::string ns;
    Tenants tenants;
  };

  /// Reads the Secret, or creates it. Throws kube::ApiError or std::runtime_error (unreadable
  /// Secret).
  explicit Authority(Parts parts);

  kube::Key key() const { return {.ns = parts_.ns, .name = kAuthoritySecret}; }
  std::shared_ptr<const Trust> trust() const;

  /// Follows the Secret and the clock.
  controller::Outcome reconcile(std::stop_token stop);

 private:
  std::optional<json> read(std::stop_token stop) const;
  std::shared_ptr<const Trust> open();
  void restore(std::stop_token stop);
  /// What the Secret says, or what it said when it could be read last.
  Trust believed(const json& secret);
  /// Returns why the move has to wait; "" when it need not.
  std::string hindrance(const Trust& trust, Move move) const;
  void carry_out(Move move, const Trust& trust, std::chrono::seconds overlap, json secret,
                 std::stop_token stop);
  void write(const Trust& trust, json secret, std::stop_token stop);
  void use(Trust trust);
  void tell(bool is_trouble, const std::string& reason, const std::string& message);

  Parts parts_;
  std::string uid_;   ///< of the Secret, for events
  std::string told_;  ///< the last trouble that was told of
  Locked<std::shared_ptr<const Trust>> trust_;
};

}  // namespace alphorn::certificates
