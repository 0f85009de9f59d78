#include "kube/exec_plugin.hpp"

#include <stdexcept>

namespace alphorn::kube {
namespace {

constexpr std::chrono::minutes kLimit{1};
constexpr std::chrono::seconds kBetweenRuns{5};

/// KUBERNETES_EXEC_INFO: what the program is told. Standard input is never a terminal here.
json exec_info(const ExecConfig& config) {
  json info = {{"apiVersion", config.api_version},
               {"kind", "ExecCredential"},
               {"spec", {{"interactive", false}}}};
  if (!config.cluster.is_null()) info["spec"]["cluster"] = config.cluster;
  return info;
}

}  // namespace

ExecCredential exec_credential_from(const std::string& answer, const ExecConfig& config) {
  const auto fail = [&](const std::string& why) {
    throw std::runtime_error(config.field + ": \"" + config.program.command + "\" printed " + why);
  };
  const json object = json::parse(answer, nullptr, false);
  if (!object.is_object() || string_at(object, "kind") != "ExecCredential") {
    fail("no ExecCredential");
  }
  if (string_at(object, "apiVersion") != config.api_version) {
    fail("another apiVersion than " + config.api_version);
  }
  const json& status = at_path(object, "status");
  ExecCredential result{.token = Secret{string_at(status, "token")},
                        .certificate_pem = string_at(status, "clientCertificateData"),
                        .key_pem = Secret{string_at(status, "clientKeyData")}};
  if (result.certificate_pem.empty() != result.key_pem.empty()) {
    fail("a client certificate or its key, and not both");
  }
  if (result.token.empty() && result.certificate_pem.empty()) {
    fail("neither a token nor a client certificate");
  }
  if (const std::string expires = string_at(status, "expirationTimestamp"); !expires.empty()) {
    result.expires = parse_time(expires);
    if (!result.expires) fail("an expirationTimestamp that is no time");
  }
  return result;
}

ExecPlugin::ExecPlugin(ExecConfig config, Run run, Now now)
    : config_(std::move(config)), run_(std::move(run)), now_(std::move(now)) {
  config_.program.environment["KUBERNETES_EXEC_INFO"] = exec_info(config_).dump();
}

ExecCredential ExecPlugin::credential() {
  return kept_.with([this](Kept& kept) {
    const TimePoint now = now_();
    if (kept.credential && (!kept.credential->expires || now < *kept.credential->expires)) {
      return *kept.credential;
    }
    // Whoever waited for a run that failed does not run it once more.
    if (!kept.failure.empty() && is_fresh(kept)) throw std::runtime_error(kept.failure);
    try {
      kept.credential = run();
      kept.failure.clear();
    } catch (const std::runtime_error& error) {
      kept.failure = error.what();
    }
    kept.run_at = now_();
    if (!kept.failure.empty()) throw std::runtime_error(kept.failure);
    const std::string& certificate = kept.credential->certificate_pem;
    if (std::exchange(kept.certificate_pem, certificate) != certificate) kept.renewed = true;
    return *kept.credential;
  });
}

ExecCredential ExecPlugin::run() const {
  Secret answer;
  try {
    answer = run_(config_.program, kLimit);
  } catch (const std::runtime_error& error) {
    const std::string& hint = config_.install_hint;
    throw std::runtime_error(config_.field + ": " + error.what() +
                             (hint.empty() ? "" : ". " + hint));
  }
  return exec_credential_from(answer.reveal(), config_);
}

bool ExecPlugin::is_fresh(const Kept& kept) const {
  const TimePoint::duration age = now_() - kept.run_at;
  return age >= TimePoint::duration::zero() && age < kBetweenRuns;  // a clock may be set back
}

void ExecPlugin::drop() {
  kept_.with([this](Kept& kept) {
    if (!is_fresh(kept)) kept.credential.reset();
  });
}

bool ExecPlugin::take_renewed() {
  return kept_.with([](Kept& kept) { return std::exchange(kept.renewed, false); });
}

}  // namespace alphorn::kube
