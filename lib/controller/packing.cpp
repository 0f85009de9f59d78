#include "controller/packing.hpp"

#include <zstd.h>

#include <stdexcept>
#include <vector>

namespace alphorn::controller {
namespace {

// The fastest that is still small: with a dictionary there is little left to search for.
constexpr int kLevel = 1;
// The first objects of a cluster may all be of one sort; a few more make a better dictionary, and
// none may fill it alone. The tables made from it are about as large as the dictionary.
constexpr std::size_t kSamples = 12;
constexpr std::size_t kSampleBytes = std::size_t{4} << 10;

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freed<Free>>;

ZSTD_CCtx* compressor() {
  thread_local const Owned<ZSTD_CCtx, ZSTD_freeCCtx> context{ZSTD_createCCtx()};
  return context.get();
}

ZSTD_DCtx* decompressor() {
  thread_local const Owned<ZSTD_DCtx, ZSTD_freeDCtx> context{ZSTD_createDCtx()};
  return context.get();
}

std::size_t checked(std::size_t result) {
  if (ZSTD_isError(result) != 0) throw std::runtime_error(ZSTD_getErrorName(result));
  return result;
}

}  // namespace

class Dictionary {
 public:
  explicit Dictionary(const std::string& samples)
      : packing(ZSTD_createCDict(samples.data(), samples.size(), kLevel)),
        unpacking(ZSTD_createDDict(samples.data(), samples.size())) {
    if (!packing || !unpacking) throw std::bad_alloc();
  }

  Owned<ZSTD_CDict, ZSTD_freeCDict> packing;
  Owned<ZSTD_DDict, ZSTD_freeDDict> unpacking;
};

std::string Packed::unpack() const {
  const auto size = ZSTD_getFrameContentSize(bytes_.data(), bytes_.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
    throw std::logic_error("a packed text is damaged");
  }
  std::string text(size, '\0');
  checked(dictionary_
              ? ZSTD_decompress_usingDDict(decompressor(), text.data(), text.size(), bytes_.data(),
                                           bytes_.size(), dictionary_->unpacking.get())
              : ZSTD_decompressDCtx(decompressor(), text.data(), text.size(), bytes_.data(),
                                    bytes_.size()));
  return text;
}

Packing::Packing() = default;
Packing::~Packing() = default;

Packed Packing::pack(std::string_view text) {
  thread_local std::vector<char> room;
  room.resize(ZSTD_compressBound(text.size()));
  Packed packed;
  packed.dictionary_ = dictionary_;
  const std::size_t size = checked(
      dictionary_ ? ZSTD_compress_usingCDict(compressor(), room.data(), room.size(), text.data(),
                                             text.size(), dictionary_->packing.get())
                  : ZSTD_compressCCtx(compressor(), room.data(), room.size(), text.data(),
                                      text.size(), kLevel));
  packed.bytes_.assign(room.data(), size);
  if (!dictionary_) {
    samples_ += text.substr(0, kSampleBytes);
    if (++packed_ >= kSamples) {
      dictionary_ = std::make_shared<const Dictionary>(samples_);
      samples_ = {};
    }
  }
  return packed;
}

}  // namespace alphorn::controller
