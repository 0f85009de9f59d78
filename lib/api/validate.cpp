#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "api/company_homeserver.hpp"
#include "api/quantity.hpp"
#include "api/rules.hpp"

namespace alphorn::api {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxHost = 253;
constexpr std::size_t kMaxServerName = 230;
constexpr std::size_t kMaxName = 40;
constexpr std::size_t kMaxUserId = 255;
constexpr std::size_t kMaxBrand = 64;

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_alphanumeric(char c) { return is_one_of(c, kLower) || is_one_of(c, kDigits); }

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_one_of(c, kDigits); });
}

bool is_port(std::string_view text) {
  return is_number(text) && text.size() <= 5 && text.front() != '0';
}

bool is_release(std::string_view text) {
  for (int part = 0; part < 2; ++part) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || !is_number(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return is_number(text);
}

/// U+0000 to U+001F, U+007F, and U+0080 to U+009F, which UTF-8 spells C2 80 to C2 9F.
bool has_control_character(std::string_view text) {
  for (std::size_t index = 0; index < text.size(); ++index) {
    const auto byte = static_cast<unsigned char>(text[index]);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte != 0xc2 || index + 1 == text.size()) continue;
    if (static_cast<unsigned char>(text[index + 1]) < 0xa0) return true;
  }
  return false;
}

bool is_email(std::string_view text) {
  if (text.size() > 254 || has_control_character(text)) return false;
  if (text.find_first_of(" <>\",;") != std::string_view::npos) return false;
  const std::size_t at = text.find('@');
  if (at == 0 || at == std::string_view::npos || text.rfind('@') != at) return false;
  const std::string_view domain = text.substr(at + 1);
  const std::size_t dot = domain.find('.', 1);
  return dot != std::string_view::npos && domain.back() != '.';
}

bool is_localpart(std::string_view text) {
  if (text.empty() || text.size() > 128 || text.front() == '_' || is_number(text)) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || is_one_of(c, "._=/+-"); });
}

bool is_upload_size(std::string_view text) {
  if (!text.empty() && is_one_of(text.back(), "KMG")) text.remove_suffix(1);
  return is_number(text) && text.size() <= 9 && text.front() != '0';
}

void check_storage(Findings& findings, const Storage& storage, const char* field) {
  const std::optional<Quantity> size = Quantity::parse(storage.size);
  findings.check(is_positive(size), field, "size must be a whole number with a unit, such as 10Gi");
  findings.check(can_be_counted(size), field, "size must be at most 8E, more cannot be counted");
}

bool is_tenant_name(std::string_view name) {
  return name.size() <= kMaxName && is_label(name) && is_one_of(name.front(), kLower);
}

void check_identity(Findings& findings, const CompanyHomeserverSpec& spec) {
  findings.check(is_server_name(spec.server_name), "spec.serverName",
                 "serverName must be a domain name in lower case with at least one dot, such as "
                 "acme.example, optionally with a port");
  findings.check(is_domain(spec.matrix_host), "spec.hosts.matrix",
                 "hosts.matrix must be a domain name in lower case with at least one dot and no "
                 "port, such as matrix.acme.example");
  findings.check(spec.contact.empty() || is_email(spec.contact), "spec.company.contact",
                 "contact must be an e-mail address, such as it@acme.example");
  findings.check(is_localpart(spec.administrator), "spec.administrator.localpart",
                 "administrator.localpart may hold a-z, 0-9 and any of . _ = / + -, must not begin "
                 "with \"_\" and must not be a number");
  findings.check(spec.administrator.size() + spec.server_name.size() + 2 <= kMaxUserId,
                 "spec.administrator.localpart",
                 "administrator.localpart is too long: \"@localpart:serverName\" may have at most "
                 "255 characters");
}

/// The text's characters, not its bytes: those of UTF-8 that begin one.
std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

void check_web_client(Findings& findings, const CompanyHomeserverSpec& spec) {
  findings.check(is_domain(spec.web_host), "spec.hosts.web",
                 "hosts.web must be a domain name in lower case with at least one dot and no "
                 "port, such as chat.acme.example");
  findings.check(
      spec.web_client.enabled == false ||
          (spec.web_host != spec.matrix_host && spec.web_host != domain_of(spec.server_name)),
      "spec.hosts.web",
      "hosts.web must differ from hosts.matrix and from serverName; its default is \"chat.\" and "
      "the serverName without its port. Or say \"webClient: {enabled: false}\"");
  const std::string& brand = spec.web_client.brand;
  findings.check(
      !brand.empty() && length_of(brand) <= kMaxBrand && !has_control_character(brand),
      "spec.webClient.brand",
      "webClient.brand must have 1 to 64 characters and no control character, such as Acme Chat");
}

void check_federation(Findings& findings, const Federation& federation) {
  using Mode = Federation::Mode;
  const auto all = [](const std::vector<std::string>& texts, bool (*holds)(std::string_view)) {
    return std::all_of(texts.begin(), texts.end(), holds);
  };
  findings.check((federation.mode == Mode::allowlist) == !federation.allow.empty(),
                 "spec.federation.allow",
                 "federation.allow names the servers of \"mode: allowlist\", and of no other mode");
  findings.check(
      all(federation.allow, is_server_name), "spec.federation.allow",
      "federation.allow must hold domain names in lower case with at least one dot, such "
      "as supplier.example, optionally with a port");
  findings.check(federation.private_networks.empty() || federation.mode != Mode::closed,
                 "spec.federation.privateNetworks",
                 R"(federation.privateNetworks needs "mode: allowlist" or "mode: open")");
  findings.check(all(federation.private_networks, is_network), "spec.federation.privateNetworks",
                 "federation.privateNetworks must hold networks with a prefix of at least 8 bits, "
                 "such as 10.20.0.0/16");
}

void check_exposure(Findings& findings, const Exposure& exposure) {
  using Mode = Exposure::Mode;
  const bool has_class = exposure.mode == Mode::ingress || exposure.mode == Mode::load_balancer;
  const bool passes_through = exposure.tls_mode == Exposure::TlsMode::passthrough;
  const bool has_proxy =
      exposure.mode == Mode::ingress || (exposure.mode == Mode::gateway && !passes_through);
  findings.check(!exposure.node_port || exposure.mode == Mode::node_port, "spec.exposure.nodePort",
                 "exposure.nodePort needs \"mode: nodePort\"");
  findings.check(!exposure.node_port || (*exposure.node_port >= 1 && *exposure.node_port <= 65535),
                 "spec.exposure.nodePort", "exposure.nodePort must be between 1 and 65535");
  findings.check(exposure.class_name.empty() || has_class, "spec.exposure.className",
                 R"(exposure.className needs "mode: ingress" or "mode: loadBalancer")");
  findings.check(exposure.class_name.empty() || is_qualified_name(exposure.class_name),
                 "spec.exposure.className",
                 "exposure.className must be the name of a class, such as nginx or "
                 "service.k8s.aws/nlb");
  findings.check(exposure.annotations.empty() || has_class, "spec.exposure.annotations",
                 R"(exposure.annotations needs "mode: ingress" or "mode: loadBalancer")");
  for (const auto& [key, value] : exposure.annotations) {
    findings.check(!is_ours(key), "spec.exposure.annotations",
                   "exposure.annotations must not begin with \"alphorn.dev/\": those are the "
                   "operator's");
    findings.check(is_qualified_name(key), "spec.exposure.annotations",
                   "exposure.annotations must have keys such as "
                   "nginx.ingress.kubernetes.io/proxy-body-size");
  }
  findings.check(exposure.parent.has_value() == (exposure.mode == Mode::gateway),
                 "spec.exposure.parentRef",
                 "exposure.parentRef names the Gateway of \"mode: gateway\", and of no other mode");
  if (const auto& parent = exposure.parent) {
    findings.check(is_object_name(parent->name) && is_object_name(parent->ns) &&
                       (parent->section.empty() || is_object_name(parent->section)),
                   "spec.exposure.parentRef",
                   R"(exposure.parentRef must hold names of a-z, 0-9, "-" and ".")");
  }
  findings.check(!exposure.tls_mode || exposure.mode == Mode::gateway, "spec.exposure.tlsMode",
                 "exposure.tlsMode needs \"mode: gateway\"");
  findings.check(exposure.trusted_proxies.empty() || has_proxy, "spec.exposure.trustedProxies",
                 "exposure.trustedProxies needs \"mode: ingress\", or \"mode: gateway\" with "
                 "\"tlsMode: terminate\": a proxy that does not read requests tells no address");
  findings.check(
      std::all_of(exposure.trusted_proxies.begin(), exposure.trusted_proxies.end(), is_network),
      "spec.exposure.trustedProxies",
      "exposure.trustedProxies must hold networks with a prefix of at least 8 bits, "
      "such as 10.244.0.0/16");
}

bool is_kind(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabel && text.front() >= 'A' && text.front() <= 'Z' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || (c >= 'A' && c <= 'Z'); });
}

void check_tls(Findings& findings, const Tls& tls) {
  const std::string& name = tls.secret_name;
  findings.check((tls.mode == Tls::Mode::secret) == !name.empty(), "spec.tls.secretName",
                 "tls.secretName names the Secret of \"mode: secret\", and of no other mode");
  findings.check(name.empty() || is_object_name(name), "spec.tls.secretName",
                 R"(tls.secretName must hold only a-z, 0-9, "-" and ".")");
  findings.check(!name.ends_with("-gateway-tls"), "spec.tls.secretName",
                 R"(tls.secretName must not end in "-gateway-tls": those are the operator's own)");
  findings.check((tls.mode == Tls::Mode::cert_manager) == tls.issuer.has_value(),
                 "spec.tls.issuerRef",
                 "tls.issuerRef names the issuer of \"mode: certManager\", and of no other mode");
  if (const auto& issuer = tls.issuer) {
    findings.check(is_object_name(issuer->name) && is_object_name(issuer->group),
                   "spec.tls.issuerRef",
                   R"(tls.issuerRef must hold a name and a group of a-z, 0-9, "-" and ".")");
    findings.check(is_kind(issuer->kind), "spec.tls.issuerRef.kind",
                   "tls.issuerRef.kind must be a kind, such as Issuer or ClusterIssuer");
  }
}

}  // namespace

bool is_domain(std::string_view text) {
  if (text.size() > kMaxHost) return false;
  std::size_t labels = 0;
  std::string_view last;
  while (true) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    last = text.substr(0, dot);
    if (!is_label(last)) return false;
    ++labels;
    if (dot == text.size()) break;
    text.remove_prefix(dot + 1);
  }
  return labels >= 2 && is_one_of(last.front(), kLower);
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabel && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || c == '-';
         });
}

bool is_server_name(std::string_view text) {
  if (text.size() > kMaxServerName) return false;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return is_domain(text);
  return is_domain(text.substr(0, colon)) && is_port(text.substr(colon + 1));
}

bool is_object_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxHost && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || is_one_of(c, "-.");
         });
}

bool is_qualified_name(std::string_view text) {
  constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (text.size() > kMaxHost) return false;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (!is_object_name(text.substr(0, slash))) return false;
    text.remove_prefix(slash + 1);
  }
  const auto is_plain = [&](char c) { return is_alphanumeric(c) || is_one_of(c, kUpper); };
  return !text.empty() && is_plain(text.front()) && is_plain(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_plain(c) || is_one_of(c, "._-"); });
}

bool is_ours(std::string_view annotation) {
  return annotation.rfind("alphorn.dev/", 0) == 0 ||
         annotation.find(".alphorn.dev/") != std::string_view::npos;
}

bool is_network(std::string_view text) {
  constexpr int kShortest = 8;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || text.size() > 49) return false;
  const std::string address{text.substr(0, slash)};
  const std::string_view prefix = text.substr(slash + 1);
  if (!is_number(prefix) || prefix.size() > 3 || prefix.front() == '0') return false;
  const bool is_v6 = address.find(':') != std::string::npos;
  std::array<char, sizeof(in6_addr)> parsed{};
  if (inet_pton(is_v6 ? AF_INET6 : AF_INET, address.c_str(), parsed.data()) != 1) return false;
  const int bits = std::stoi(std::string{prefix});
  return bits >= kShortest && bits <= (is_v6 ? 128 : 32);
}

std::vector<Violation> validate(const CompanyHomeserver& tenant) {
  const CompanyHomeserverSpec& spec = tenant.spec;
  Findings findings;
  findings.check(
      is_tenant_name(tenant.name), "metadata.name",
      "metadata.name must have at most 40 characters, only a-z, 0-9 and \"-\", and begin "
      "with a letter: the names of Services and pods derive from it");
  findings.check(!tenant.name.ends_with("-bridge"), "metadata.name",
                 "metadata.name must not end in \"-bridge\": what belongs to it would be called as "
                 "bridges of another company are");
  check_identity(findings, spec);
  check_web_client(findings, spec);
  findings.check(spec.version.empty() != spec.channel.empty(), "spec",
                 "give exactly one of version and channel: a version pins the Synapse release, a "
                 "channel follows the operator's catalogue");
  findings.check(spec.version.empty() || is_release(spec.version), "spec.version",
                 "version must be a Synapse release of three numbers, such as \"1.163.2\"");
  findings.check(spec.channel.empty() || is_label(spec.channel), "spec.channel",
                 "channel must be a name of a-z, 0-9 and \"-\", such as stable");
  check_size(findings, spec);
  check_storage(findings, spec.media, "spec.homeserver.media.size");
  if (spec.media_bucket) check_media_bucket(findings, *spec.media_bucket);
  findings.check(is_upload_size(spec.max_upload_size), "spec.homeserver.maxUploadSize",
                 "maxUploadSize must be a whole number with K, M or G, such as 100M");
  findings.check(
      spec.ca_bundle.empty() || spec.ca_bundle.starts_with("-----BEGIN CERTIFICATE-----"),
      "spec.homeserver.caBundle",
      "homeserver.caBundle must be certificates in PEM, and begin with "
      "\"-----BEGIN CERTIFICATE-----\"");
  check_resources(findings, spec.database_resources, "spec.database.resources", "resources");
  check_storage(findings, spec.database, "spec.database.size");
  check_database(findings, spec);
  check_exposure(findings, spec.exposure);
  check_tls(findings, spec.tls);
  check_federation(findings, spec.federation);
  check_authentication(findings, spec.authentication);
  findings.check(spec.priority_class.empty() || is_object_name(spec.priority_class),
                 "spec.priorityClassName",
                 R"(priorityClassName must hold only a-z, 0-9, "-" and ".")");
  check_mas(findings, spec);
  check_bridges(findings, tenant.name, spec);
  check_calls(findings, spec);
  if (spec.backup) check_backup(findings, *spec.backup);
  findings.check(spec.backup || spec.deletion_policy != DeletionPolicy::final_backup,
                 "spec.deletionPolicy",
                 "\"deletionPolicy: FinalBackup\" needs backup, which says where to");
  return findings.take();
}

}  // namespace alphorn::api
