#include <exception>
#include <iostream>
#include <string_view>

#include "app.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "template.hpp"

namespace alphorn::bench {
namespace {

/// There is no kubelet, so nobody could be asked: every tenant's programs answer at once, and well.
class ReadyServers final : public homeserver::Servers {
 public:
  explicit ReadyServers(const homeserver::Cache& cache) : cache_(cache) {}

  homeserver::Answer ask_homeserver(const manifests::Tenant& tenant, std::stop_token) override {
    return {.problem = "", .version = tenant.version, .signing_key_ids = {key_id_of(tenant)}};
  }

  homeserver::Answer ask_gateway(const manifests::Tenant&, std::stop_token) override {
    return {.problem = ""};
  }

  homeserver::Answer ask_web(const manifests::Tenant&, std::stop_token) override {
    return {.problem = ""};
  }

  homeserver::Answer ask_mas(const manifests::Tenant&, std::stop_token) override {
    return {.problem = ""};
  }

  homeserver::Answer ask_calls(const manifests::Tenant&, std::stop_token) override {
    return {.problem = ""};
  }

  homeserver::MediaAnswer ask_media(const manifests::Tenant&, std::stop_token) override {
    return {.turn = "", .media = ""};
  }

  std::optional<int> ask_logins(const manifests::Tenant&, const api::Bridge&,
                                const Secret&) override {
    return 3;
  }

  homeserver::BucketAnswer ask_bucket(const manifests::Tenant&, std::stop_token) override {
    return {.problem = "", .finding = "well"};
  }

  void ensure_administrator(const manifests::Tenant&, const Secret&, const Secret&,
                            matrix::Homeserver::Existing, std::stop_token) override {}

 private:
  /// Synapse would say "ed25519:a_1b2c", from the same Secret's "ed25519 a_1b2c SEED".
  std::string key_id_of(const manifests::Tenant& tenant) const {
    const controller::ObjectPtr secret =
        cache_.store_of(kube::kinds::kSecret, tenant.ns)
            ->get({.ns = tenant.ns, .name = manifests::homeserver_keys(tenant)});
    if (!secret) return "";
    std::string key = base64_decode(at_path(secret->read(), "data").value("signing.key", ""));
    const std::size_t first = key.find(' ');
    const std::size_t second = first == std::string::npos ? first : key.find(' ', first + 1);
    if (second == std::string::npos) return "";
    key.resize(second);
    key[first] = ':';
    return key;
  }

  const homeserver::Cache& cache_;
};

int run(int argc, char** argv) {
  if (argc == 2 && std::string_view{argv[1]} == "--print-template") {
    std::cout << tenant_template().dump() << '\n';
    return 0;
  }
  const Parsed parsed = parse_options(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  log_as_json(parsed.options->log_level);
  return run_operator(*parsed.options, [](const homeserver::Cache& cache) {
    return std::make_unique<ReadyServers>(cache);
  });
}

}  // namespace
}  // namespace alphorn::bench

int main(int argc, char** argv) {
  try {
    return alphorn::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "operator_under_test: " << error.what() << '\n';
    return 1;
  }
}
