#include "http/tls_trust.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "base/openssl.hpp"

namespace alphorn::http {
namespace {

using openssl::Certificate;
using openssl::PrivateKey;
using openssl::reader_of;
using TrustStore = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;

std::vector<Certificate> certificates_of(const std::string& pem, const char* what) {
  const openssl::Bio bio = reader_of(pem);
  std::vector<Certificate> found;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    found.emplace_back(certificate);
  }
  ERR_clear_error();  // the end of the text is reported as an error
  if (found.empty()) throw std::invalid_argument(std::string{what} + " holds no PEM certificate");
  return found;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> buffer{};
  return inet_pton(AF_INET, host.c_str(), buffer.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), buffer.data()) == 1;
}

}  // namespace

struct TlsTrust::State {
  std::string host;
  TrustStore roots;  ///< null: the system's
  std::vector<Certificate> client_chain;
  PrivateKey client_key;
  Locked<std::string> refusal;
};

namespace {

using Share = std::shared_ptr<TlsTrust::State>;

/// Where an SSL_CTX keeps its share of the State: connections may outlive the transport.
int share_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* stored, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Share*>(stored);
      });
  return slot;
}

TlsTrust::State& state_of(const SSL* ssl) {
  return **static_cast<Share*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), share_slot()));
}

/// OpenSSL's own verification and nothing else: the expected name need not be the URL's host. The
/// reason is kept because the handshake's error does not carry it.
int verify(X509_STORE_CTX* context, void*) {
  X509_STORE_CTX_set_verify_cb(context, [](int ok, X509_STORE_CTX*) { return ok; });
  const int result = X509_verify_cert(context);
  if (result > 0) return result;
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  state_of(ssl).refusal.with([&](std::string& why) {
    why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  });
  return result;
}

/// Server Name Indication is the expected name too; libcurl would send the URL's host.
void name_server(const SSL* ssl, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  const std::string& host = state_of(ssl).host;
  if (!is_address(host)) SSL_set_tlsext_host_name(const_cast<SSL*>(ssl), host.c_str());
}

}  // namespace

TlsTrust::TlsTrust(const Endpoint& endpoint, std::string host) : state_(std::make_shared<State>()) {
  state_->host = std::move(host);
  if (!endpoint.ca_pem.empty()) {
    state_->roots.reset(X509_STORE_new());
    for (const Certificate& root : certificates_of(endpoint.ca_pem, "the certificate authority")) {
      X509_STORE_add_cert(state_->roots.get(), root.get());
    }
  }
  if (endpoint.client_certificate_pem.empty()) return;
  state_->client_chain = certificates_of(endpoint.client_certificate_pem, "the client certificate");
  const openssl::Bio key = reader_of(endpoint.client_key_pem.reveal());
  state_->client_key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
  if (!state_->client_key) {
    ERR_clear_error();
    throw std::invalid_argument("the client key is no unencrypted PEM private key");
  }
  if (X509_check_private_key(state_->client_chain.front().get(), state_->client_key.get()) != 1) {
    ERR_clear_error();
    throw std::invalid_argument("the client key does not belong to the client certificate");
  }
}

void TlsTrust::configure(SSL_CTX* context) const {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (state_->roots) SSL_CTX_set1_cert_store(context, state_->roots.get());

  X509_VERIFY_PARAM* expected = SSL_CTX_get0_param(context);
  // Whoever is named as trusted is trusted, also one that others signed: as in curl and in Go.
  X509_VERIFY_PARAM_set_flags(expected, X509_V_FLAG_PARTIAL_CHAIN);
  if (is_address(state_->host)) {
    X509_VERIFY_PARAM_set1_ip_asc(expected, state_->host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(expected, state_->host.c_str(), state_->host.size());
  }
  // A name in the subject's CN has not counted for years; only subjectAltName does.
  X509_VERIFY_PARAM_set_hostflags(
      expected, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

  SSL_CTX_set_ex_data(context, share_slot(), new Share(state_));
  SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
  SSL_CTX_set_info_callback(context, name_server);

  if (state_->client_chain.empty()) return;
  SSL_CTX_use_certificate(context, state_->client_chain.front().get());
  SSL_CTX_use_PrivateKey(context, state_->client_key.get());
  for (std::size_t index = 1; index < state_->client_chain.size(); ++index) {
    SSL_CTX_add1_chain_cert(context, state_->client_chain[index].get());
  }
}

std::string TlsTrust::last_refusal() const {
  return state_->refusal.with([](const std::string& text) { return text; });
}

}  // namespace alphorn::http
