#include "certificates/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "base/openssl.hpp"

namespace alphorn::certificates {

namespace {

constexpr std::chrono::hours kAuthorityLife{24 * 3650};
constexpr std::chrono::hours kLeafLife{24 * 90};
// Clocks of clients may be a little behind ours.
constexpr std::chrono::minutes kBackdate{5};
constexpr int kSerialBits = 127;
constexpr std::size_t kMaxCommonName = 64;

using openssl::Bio;
using openssl::Certificate;
using openssl::reader_of;
using Key = openssl::PrivateKey;
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

[[noreturn]] void fail(const std::string& what) {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  throw std::runtime_error("certificates: " + what + ": " + (reason ? reason : "no reason given"));
}

template <typename T>
T check(T result, const char* what) {
  if (!result) fail(what);
  return result;
}

Key new_key() { return Key{check(EVP_EC_gen("P-256"), "draw a key")}; }

Certificate read_certificate(const std::string& pem) {
  const Bio bio = reader_of(pem);
  Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
  ERR_clear_error();
  return certificate;
}

Key read_key(const Secret& pem) {
  const Bio bio = reader_of(pem.reveal());
  return Key{check(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), "read a key")};
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

KeyPair to_pem(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_bio{BIO_new(BIO_s_mem())};
  check(PEM_write_bio_X509(certificate_bio.get(), certificate), "write a certificate");
  // Secure memory is wiped when the BIO goes.
  const Bio key_bio{BIO_new(BIO_s_secmem())};
  check(PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr),
        "write a key");
  return {text_of(certificate_bio.get()), Secret(text_of(key_bio.get()))};
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension{check(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()),
                                  "make a certificate extension")};
  check(X509_add_ext(certificate, extension.get(), -1), "add a certificate extension");
}

void set_serial(X509* certificate) {
  const Number number{BN_new()};
  check(BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), "draw a serial");
  check(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)), "set a serial");
}

void set_validity(X509* certificate, TimePoint from, TimePoint until) {
  check(ASN1_TIME_set(X509_getm_notBefore(certificate), std::chrono::system_clock::to_time_t(from)),
        "set a start date");
  check(ASN1_TIME_set(X509_getm_notAfter(certificate), std::chrono::system_clock::to_time_t(until)),
        "set an end date");
}

void set_common_name(X509* certificate, const std::string& name) {
  // X.520 allows 64 characters; clients look at the alternative names anyway.
  const std::string fitting = name.substr(0, kMaxCommonName);
  check(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(fitting.c_str()), -1, -1,
                                   0),
        "set a common name");
}

Certificate new_certificate(const std::string& common_name, EVP_PKEY* key, TimePoint now,
                            std::chrono::hours life) {
  Certificate certificate{check(X509_new(), "make a certificate")};
  check(X509_set_version(certificate.get(), X509_VERSION_3), "set a version");
  set_serial(certificate.get());
  set_validity(certificate.get(), now - kBackdate, now + life);
  set_common_name(certificate.get(), common_name);
  check(X509_set_pubkey(certificate.get(), key), "set a public key");
  return certificate;
}

std::optional<TimePoint> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::vector<std::string> dns_names(X509* certificate) {
  std::vector<std::string> hosts;
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names{static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const ASN1_IA5STRING* text = name->d.dNSName;
    hosts.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  std::sort(hosts.begin(), hosts.end());
  return hosts;
}

std::string serial_of(X509* certificate) {
  const Number number{ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr)};
  char* text = check(BN_bn2hex(number.get()), "read a serial");
  std::string serial = text;
  OPENSSL_free(text);
  return serial;
}

}  // namespace

KeyPair make_authority(const std::string& common_name, TimePoint now) {
  const Key key = new_key();
  const Certificate certificate = new_certificate(common_name, key.get(), now, kAuthorityLife);
  X509* self = certificate.get();
  check(X509_set_issuer_name(self, X509_get_subject_name(self)), "set an issuer");
  add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(self, self, NID_subject_key_identifier, "hash");
  check(X509_sign(self, key.get(), EVP_sha256()), "sign the authority");
  return to_pem(self, key.get());
}

KeyPair issue(const KeyPair& authority, const std::vector<std::string>& hosts, TimePoint now) {
  if (hosts.empty()) throw std::runtime_error("certificates: no host to issue for");
  const Certificate issuer = read_certificate(authority.certificate_pem);
  check(issuer.get(), "read the authority's certificate");
  const Key issuer_key = read_key(authority.key_pem);
  const Key key = new_key();
  const Certificate leaf = new_certificate(hosts.front(), key.get(), now, kLeafLife);
  check(X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer.get())), "set an issuer");
  std::string names;
  for (const std::string& host : hosts) names += (names.empty() ? "DNS:" : ",DNS:") + host;
  add_extension(leaf.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(leaf.get(), issuer.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(leaf.get(), issuer.get(), NID_ext_key_usage, "serverAuth");
  add_extension(leaf.get(), issuer.get(), NID_subject_key_identifier, "hash");
  add_extension(leaf.get(), issuer.get(), NID_authority_key_identifier, "keyid:always");
  add_extension(leaf.get(), issuer.get(), NID_subject_alt_name, names);
  check(X509_sign(leaf.get(), issuer_key.get(), EVP_sha256()), "sign a certificate");
  return to_pem(leaf.get(), key.get());
}

std::string to_text(const Facts& facts) {
  return json{{"serial", facts.serial},
              {"notBefore", format_time(facts.not_before)},
              {"notAfter", format_time(facts.not_after)},
              {"hosts", facts.hosts}}
      .dump();
}

std::optional<Facts> facts_from(const std::string& text) {
  const json object = json::parse(text, nullptr, false);
  const auto not_before = parse_time(string_at(object, "notBefore"));
  const auto not_after = parse_time(string_at(object, "notAfter"));
  if (!not_before || !not_after) return std::nullopt;
  Facts facts{
      .serial = string_at(object, "serial"), .not_before = *not_before, .not_after = *not_after};
  for (const json& host : at_path(object, "hosts")) {
    if (host.is_string()) facts.hosts.push_back(host.get<std::string>());
  }
  return facts;
}

std::string seal_of(const KeyPair& pair, const std::string& facts_text,
                    const std::string& authority_pem) {
  const json sealed = {pair.certificate_pem, pair.key_pem.reveal(), facts_text, authority_pem};
  return sha256_hex(sealed.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::optional<Facts> inspect(const std::string& pem) {
  const Certificate certificate = read_certificate(pem);
  if (!certificate) return std::nullopt;
  const auto from = time_of(X509_get0_notBefore(certificate.get()));
  const auto until = time_of(X509_get0_notAfter(certificate.get()));
  if (!from || !until) return std::nullopt;
  return Facts{.serial = serial_of(certificate.get()),
               .not_before = *from,
               .not_after = *until,
               .hosts = dns_names(certificate.get())};
}

bool is_signed_by(const std::string& certificate_pem, const std::string& authority_pem) {
  const Certificate certificate = read_certificate(certificate_pem);
  const Certificate authority = read_certificate(authority_pem);
  if (!certificate || !authority) return false;
  const bool good = X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) == 1;
  ERR_clear_error();
  return good;
}

bool key_matches(const std::string& certificate_pem, const Secret& key_pem) {
  const Certificate certificate = read_certificate(certificate_pem);
  const Bio bio = reader_of(key_pem.reveal());
  const Key key{PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr)};
  const bool good = certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return good;
}

bool is_authority(const std::string& certificate_pem, TimePoint now) {
  const Certificate certificate = read_certificate(certificate_pem);
  const auto facts = inspect(certificate_pem);
  return certificate && facts && X509_check_ca(certificate.get()) == 1 &&
         facts->not_before <= now && now < facts->not_after;
}

TimePoint renewal_due(const Facts& facts) {
  return facts.not_before + (facts.not_after - facts.not_before) / 3 * 2;
}

}  // namespace alphorn::certificates
