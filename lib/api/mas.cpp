#include <algorithm>

#include "api/rules.hpp"

// Matrix Authentication Service: what it cannot do in the homeserver's place is refused, not
// ignored.
namespace alphorn::api {
namespace {

constexpr int kLongestIdleHours = 24 * 90;

void check_policy(Findings& findings, const Authentication& wanted) {
  const Authentication defaults = authentication_from(json::object());
  findings.check(
      wanted.minimum_length == defaults.minimum_length && wanted.require.empty(),
      "spec.authentication.password",
      "authentication.password.minimumLength and require are the homeserver's: leave them out with "
      "\"mas: {enabled: true}\", which asks for passwords that are hard to guess");
  findings.check(
      wanted.maximum.empty(), "spec.authentication.sessions.maximum",
      "authentication.sessions.maximum has no equal with \"mas: {enabled: true}\": leave "
      "it out");
  findings.check(hours_of(wanted.idle) <= kLongestIdleHours, "spec.authentication.sessions.idle",
                 "authentication.sessions.idle can be at most 90d with \"mas: {enabled: true}\"");
  findings.check(std::all_of(wanted.oidc.begin(), wanted.oidc.end(),
                             [](const OidcProvider& provider) { return provider.create_accounts; }),
                 "spec.authentication.oidc",
                 "oidc.createAccounts: false has no equal with \"mas: {enabled: true}\": leave it "
                 "out");
}

}  // namespace

void check_mas(Findings& findings, const CompanyHomeserverSpec& spec) {
  findings.check(is_domain(spec.account_host), "spec.hosts.account",
                 "hosts.account must be a domain name in lower case with at least one dot and no "
                 "port, such as account.acme.example");
  if (!spec.authentication.mas) return;
  check_policy(findings, spec.authentication);
  findings.check(spec.database_mode == DatabaseMode::builtin, "spec.authentication.mas",
                 "authentication.mas needs \"database: {mode: builtin}\": it has a database of its "
                 "own there");
  const std::string& host = spec.account_host;
  findings.check(host != spec.matrix_host && host != domain_of(spec.server_name) &&
                     (spec.web_client.enabled == false || host != spec.web_host),
                 "spec.hosts.account",
                 "hosts.account must differ from hosts.matrix, hosts.web and serverName; its "
                 "default is \"account.\" and the serverName without its port");
}

}  // namespace alphorn::api
