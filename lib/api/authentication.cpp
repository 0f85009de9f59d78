#include <algorithm>
#include <cctype>

#include "api/rules.hpp"

namespace alphorn::api {
namespace {

// The schema's defaults once more; a contract test compares the two.
constexpr int kMinimumLength = 12;
constexpr const char* kIdle = "30d";
constexpr const char* kSecretKey = "client-secret";
constexpr const char* kLocalpartClaim = "preferred_username";
constexpr const char* kDisplayNameClaim = "name";
constexpr int kHttpsPort = 443;
constexpr std::string_view kHttps = "https://";

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_claim(std::string_view text) {
  return !text.empty() && text.size() <= 64 && !is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

/// The part of an https URL between the slashes: "login.acme.example:8443".
std::string_view authority_of(std::string_view url) {
  url.remove_prefix(std::min(url.size(), kHttps.size()));
  return url.substr(0, url.find('/'));
}

bool is_scope(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '"';
  });
}

OidcProvider provider_from(const json& provider) {
  OidcProvider result{
      .id = string_at(provider, "id"),
      .display_name = string_at(provider, "displayName"),
      .issuer = string_at(provider, "issuer"),
      .client_id = string_at(provider, "clientId"),
      .secret_name = string_at(provider, "clientSecret/name"),
      .secret_key = string_or(provider, "clientSecret/key", kSecretKey),
      .scopes = texts_at(provider, "scopes"),
      .localpart_claim = string_or(provider, "claims/localpart", kLocalpartClaim),
      .display_name_claim = string_or(provider, "claims/displayName", kDisplayNameClaim),
      .claims_at_userinfo = string_at(provider, "claims/source") == "userInfo",
      .create_accounts = at_path(provider, "createAccounts") != false,
      .allow_existing_users = at_path(provider, "allowExistingUsers") == true,
      .networks = texts_at(provider, "networks")};
  if (result.scopes.empty()) result.scopes = {"openid", "profile", "email"};
  return result;
}

void check_provider(Findings& findings, const OidcProvider& provider) {
  findings.check(is_label(provider.id) && provider.id.size() <= 32, "spec.authentication.oidc",
                 "oidc.id must hold only a-z, 0-9 and inner \"-\"");
  findings.check(is_https_url(provider.issuer), "spec.authentication.oidc",
                 "oidc.issuer must be an https URL without a query, such as "
                 "https://login.acme.example/realms/acme");
  findings.check(!provider.client_id.empty() && !provider.display_name.empty(),
                 "spec.authentication.oidc", "oidc needs displayName and clientId");
  findings.check(is_object_name(provider.secret_name), "spec.authentication.oidc",
                 R"(oidc.clientSecret.name must hold only a-z, 0-9, "-" and ".")");
  findings.check(is_key(provider.secret_key), "spec.authentication.oidc",
                 R"(oidc.clientSecret.key must hold only a-z, A-Z, 0-9, "-", "_" and ".")");
  findings.check(is_claim(provider.localpart_claim) && is_claim(provider.display_name_claim),
                 "spec.authentication.oidc",
                 "oidc.claims must be names of claims, such as preferred_username");
  findings.check(std::all_of(provider.scopes.begin(), provider.scopes.end(), is_scope),
                 "spec.authentication.oidc",
                 "oidc.scopes must hold words without blanks, such as profile");
  findings.check(std::all_of(provider.networks.begin(), provider.networks.end(), is_network),
                 "spec.authentication.oidc",
                 "oidc.networks must hold networks with a prefix of at least 8 bits, such as "
                 "10.20.0.0/16");
}

}  // namespace

bool is_https_url(std::string_view text) {
  if (text.size() > 300 || !text.starts_with(kHttps)) return false;
  const std::string_view authority = authority_of(text);
  const std::size_t colon = authority.find(':');
  if (!is_object_name(authority.substr(0, colon))) return false;
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.front() == '0' ||
        !std::all_of(port.begin(), port.end(), is_digit)) {
      return false;
    }
  }
  const std::string_view path = text.substr(kHttps.size() + authority.size());
  return std::all_of(path.begin(), path.end(), [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view{"._~/-"}.find(c) != std::string_view::npos;
  });
}

bool is_key(std::string_view text) {
  return !text.empty() && (is_letter(text.front()) || is_digit(text.front())) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

int hours_of(const std::string& duration) {
  if (duration.size() < 2 || duration.size() > 5 || duration.front() == '0') return 0;
  const std::string number = duration.substr(0, duration.size() - 1);
  if (!std::all_of(number.begin(), number.end(), is_digit)) return 0;
  switch (duration.back()) {
    case 'h':
      return std::stoi(number);
    case 'd':
      return std::stoi(number) * 24;
    case 'w':
      return std::stoi(number) * 24 * 7;
    default:
      return 0;
  }
}

int port_of(const std::string& url) {
  const std::string authority{authority_of(url)};
  const std::size_t colon = authority.find(':');
  return colon == std::string::npos ? kHttpsPort : std::stoi(authority.substr(colon + 1));
}

Authentication authentication_from(const json& authentication) {
  Authentication result{.passwords = at_path(authentication, "password/enabled") != false,
                        .minimum_length = static_cast<int>(
                            integer_at(authentication, "password/minimumLength", kMinimumLength)),
                        .require = texts_at(authentication, "password/require"),
                        .idle = string_or(authentication, "sessions/idle", kIdle),
                        .maximum = string_at(authentication, "sessions/maximum"),
                        .mas = at_path(authentication, "mas/enabled") == true};
  for (const json& provider : at_path(authentication, "oidc")) {
    result.oidc.push_back(provider_from(provider));
  }
  return result;
}

void check_authentication(Findings& findings, const Authentication& authentication) {
  findings.check(
      authentication.passwords || !authentication.oidc.empty(),
      "spec.authentication.password.enabled",
      "authentication.password.enabled can be false only where authentication.oidc names "
      "a provider: nobody could log in");
  findings.check(authentication.minimum_length >= 8 && authentication.minimum_length <= 128,
                 "spec.authentication.password.minimumLength",
                 "password.minimumLength must be between 8 and 128");
  const std::string& maximum = authentication.maximum;
  findings.check(hours_of(authentication.idle) > 0 && (maximum.empty() || hours_of(maximum) > 0),
                 "spec.authentication.sessions",
                 "sessions must last a whole number of h, d or w, such as 30d");
  for (const OidcProvider& provider : authentication.oidc) check_provider(findings, provider);
}

}  // namespace alphorn::api
