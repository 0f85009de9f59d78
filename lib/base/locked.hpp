#pragma once

#include <mutex>
#include <utility>

namespace alphorn {

/// A value that can only be touched under its own mutex: `locked.with([](T& value) {...})`.
/// What the function returns is returned; it must not be a reference into the value.
template <typename T>
class Locked {
 public:
  template <typename... Args>
  explicit Locked(Args&&... args) : value_(std::forward<Args>(args)...) {}

  template <typename Function>
  auto with(Function&& function) {
    const std::scoped_lock lock{mutex_};
    return std::forward<Function>(function)(value_);
  }

  template <typename Function>
  auto with(Function&& function) const {
    const std::scoped_lock lock{mutex_};
    return std::forward<Function>(function)(std::as_const(value_));
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace alphorn
