#pragma once

#include <memory>
#include <string>
#include <vector>

#include "certificates/certificates.hpp"
#include "kube/client.hpp"

namespace alphorn::certificates {

/// The operator's own certificate authority. It lives in one Secret of the operator's namespace and
/// is drawn when the first leader finds none; every leader after it uses the same. Thread-safe.
class Authority {
 public:
  /// Reads the Secret, or creates it. Throws kube::ApiError or std::runtime_error (unreadable
  /// Secret).
  static std::shared_ptr<const Authority> open(const kube::Client& client, const std::string& ns);

  explicit Authority(KeyPair pair) : pair_(std::move(pair)) {}

  const std::string& certificate_pem() const { return pair_.certificate_pem; }
  KeyPair issue(const std::vector<std::string>& hosts, TimePoint now) const {
    return certificates::issue(pair_, hosts, now);
  }

 private:
  KeyPair pair_;
};

}  // namespace alphorn::certificates
