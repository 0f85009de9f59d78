#pragma once

namespace alphorn {

/// Deleter for an object of a C library that has a function of its own to free it:
/// std::unique_ptr<BIO, Freed<BIO_free_all>>.
template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

}  // namespace alphorn
