#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace alphorn::controller {

/// What texts of one sort have in common, so that each needs to be kept only for what is its own.
class Dictionary;

/// A text made small (zstd). Immutable; may be copied and read by any thread.
class Packed {
 public:
  Packed() = default;
  std::string unpack() const;
  std::size_t size() const { return bytes_.size(); }

 private:
  friend class Packing;
  std::string bytes_;
  std::shared_ptr<const Dictionary> dictionary_;
};

/// Makes texts small that resemble each other, as the objects of one kind do: from the first of
/// them a dictionary is made for those that follow. For one thread.
class Packing {
 public:
  Packing();
  ~Packing();

  Packed pack(std::string_view text);

 private:
  std::string samples_;
  std::size_t packed_ = 0;  ///< texts so far
  std::shared_ptr<const Dictionary> dictionary_;
};

}  // namespace alphorn::controller
