#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/locked.hpp"
#include "base/run_program.hpp"
#include "base/secret.hpp"

namespace alphorn::kube {

/// A user's "exec" in a kubeconfig: a program that prints credentials. Protocol:
/// client.authentication.k8s.io/v1 and v1beta1 of the Kubernetes documentation ("client-go
/// credential plugins").
struct ExecConfig {
  std::string field;  ///< "/home/me/.kube/config: users[me].exec", for messages
  std::string api_version;
  Program program;
  std::string install_hint = {};
  json cluster = nullptr;  ///< told to the program when it wants to know (provideClusterInfo)
};

/// What the program printed. At least one of a token and a certificate with its key.
struct ExecCredential {
  Secret token = {};
  std::string certificate_pem = {};
  Secret key_pem = {};
  std::optional<TimePoint> expires = std::nullopt;
};

/// Throws std::runtime_error that names the field and never quotes the answer.
ExecCredential exec_credential_from(const std::string& answer, const ExecConfig& config);

/// Runs the program when its credential is needed and keeps that until it expires or is refused.
/// Thread-safe: whoever needs a credential while the program runs waits for it.
class ExecPlugin {
 public:
  using Run = std::function<Secret(const Program&, std::chrono::milliseconds limit)>;
  using Now = std::function<TimePoint()>;

  explicit ExecPlugin(ExecConfig config, Run run = output_of,
                      Now now = std::chrono::system_clock::now);

  /// Throws std::runtime_error: see exec_credential_from() and output_of(). The program gets a
  /// minute, and is not run again within five seconds after it failed.
  ExecCredential credential();

  /// The server answered 401: the next credential() is a new one. Not sooner than five seconds
  /// after the last, since all requests under way are refused together.
  void drop();

  /// True once for every credential with another certificate than the last one had.
  bool take_renewed();

 private:
  struct Kept {
    std::optional<ExecCredential> credential;
    std::string certificate_pem;
    TimePoint run_at;     ///< when the last run ended
    std::string failure;  ///< why it failed; "" when it did not
    bool renewed = false;
  };

  ExecCredential run() const;
  /// The last run is so recent that it is not repeated.
  bool is_fresh(const Kept& kept) const;

  ExecConfig config_;
  Run run_;
  Now now_;
  Locked<Kept> kept_;
};

}  // namespace alphorn::kube
