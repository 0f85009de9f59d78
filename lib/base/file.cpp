#include "base/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace alphorn {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw std::runtime_error(path.string() + " " + what + ": " +
                           std::generic_category().message(errno));
}

}  // namespace

void write_file(const std::filesystem::path& path, const std::string& bytes, mode_t mode) {
  const std::string draft = path.string() + ".draft";
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) fail(draft, "cannot be written");
  for (std::size_t written = 0; written < bytes.size();) {
    const ssize_t count = ::write(file, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      ::close(file);
      fail(draft, "cannot be written");
    }
    written += static_cast<std::size_t>(count);
  }
  const bool kept = ::fsync(file) == 0;
  ::close(file);
  if (!kept || ::rename(draft.c_str(), path.c_str()) != 0) fail(path, "cannot be written");
  if (const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

}  // namespace alphorn
