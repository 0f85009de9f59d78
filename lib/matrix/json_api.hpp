#pragma once

#include <stop_token>
#include <string>

#include "base/json.hpp"
#include "http/transport.hpp"

namespace alphorn::matrix {

/// A server that is asked and answers in JSON, as somebody whom it knows. Targets are
/// percent-encoded already. Every call may throw ApiError or http::TransportError. Thread-safe as
/// the transport behind it is.
class JsonApi {
 public:
  virtual ~JsonApi() = default;

  json get(const std::string& target, std::stop_token stop) const {
    return send({.target = target}, std::move(stop));
  }
  json put(const std::string& target, const json& body, std::stop_token stop) const {
    return send({.method = "PUT", .target = target, .body = body.dump()}, std::move(stop));
  }
  json post(const std::string& target, const json& body, std::stop_token stop) const {
    return send({.method = "POST", .target = target, .body = body.dump()}, std::move(stop));
  }
  json remove(const std::string& target, std::stop_token stop) const {
    return send({.method = "DELETE", .target = target}, std::move(stop));
  }

 protected:
  JsonApi() = default;
  JsonApi(const JsonApi&) = default;
  JsonApi& operator=(const JsonApi&) = default;

 private:
  /// Once; says who asks.
  virtual json send(http::Request request, std::stop_token stop) const = 0;
};

}  // namespace alphorn::matrix
