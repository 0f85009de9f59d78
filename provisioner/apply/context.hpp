#pragma once

#include <stop_token>
#include <string>

#include "apply/account_keeper.hpp"
#include "apply/apply.hpp"
#include "apply/server.hpp"

namespace alphorn::apply {

/// What every part of a run needs.
struct Context {
  Server& server;
  AccountKeeper& accounts;
  Progress& progress;
  std::stop_token stop;
  int threads = 24;  ///< more than the server is ever asked at a time
};

/// Does `act`; a refusal by the server is noted as a failure of `step`. Whether it was done.
/// http::TransportError reaches the caller.
template <typename Act>
bool check(const Context& context, const plan::Step& step, const Act& act) {
  try {
    act();
    return true;
  } catch (const matrix::ApiError& error) {
    context.progress.failed(step, error.what());
    return false;
  }
}

/// The same, and counts it as `action`.
template <typename Act>
bool attempt(const Context& context, const std::string& action, const plan::Step& step,
             const Act& act) {
  if (!check(context, step, act)) return false;
  context.progress.done(action);
  return true;
}

}  // namespace alphorn::apply
