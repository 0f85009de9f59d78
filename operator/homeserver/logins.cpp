#include "homeserver/logins.hpp"

#include <libpq-fe.h>

#include <array>
#include <charconv>
#include <memory>
#include <string_view>

namespace alphorn::homeserver {

namespace {

constexpr const char* kQuestion = "SELECT count(DISTINCT user_mxid) FROM user_login";

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

/// Short, for a worker waits. Without TLS, as the bridge itself comes: both are in the cluster.
Connection connect(const std::string& host, int port, const std::string& role,
                   const Secret& password) {
  const std::string number = std::to_string(port);
  const std::array names{"host",
                         "port",
                         "dbname",
                         "user",
                         "password",
                         "sslmode",
                         "connect_timeout",
                         "tcp_user_timeout",
                         "options",
                         static_cast<const char*>(nullptr)};
  std::array values{host.c_str(),
                    number.c_str(),
                    role.c_str(),
                    role.c_str(),
                    password.reveal().c_str(),
                    "disable",
                    "2",
                    "3000",
                    "-c statement_timeout=2000 -c default_transaction_read_only=on",
                    static_cast<const char*>(nullptr)};
  return {PQconnectdbParams(names.data(), values.data(), 0), &PQfinish};
}

}  // namespace

std::optional<int> count_logins(const std::string& host, int port, const std::string& role,
                                const Secret& password) {
  const Connection connection = connect(host, port, role, password);
  if (PQstatus(connection.get()) != CONNECTION_OK) return std::nullopt;
  const Result result{PQexec(connection.get(), kQuestion), &PQclear};
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) != 1) {
    return std::nullopt;
  }
  const std::string_view text = PQgetvalue(result.get(), 0, 0);
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return count;
}

}  // namespace alphorn::homeserver
