#include "base/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace alphorn {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw std::runtime_error(path.string() + " " + what + ": " +
                           std::generic_category().message(errno));
}

/// Writes PATH.draft and returns its name. What a killed process has left of one is replaced: its
/// mode may be another, and a link would lead elsewhere.
std::string write_draft(const std::filesystem::path& path, const std::string& bytes, mode_t mode) {
  std::string draft = path.string() + ".draft";
  ::unlink(draft.c_str());
  const int file =
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
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
  if (!kept) fail(draft, "cannot be written");
  return draft;
}

void keep_name_of(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const int folder = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

}  // namespace

std::optional<std::string> content_of_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::filesystem::path& path, const std::string& bytes, mode_t mode) {
  const std::string draft = write_draft(path, bytes, mode);
  if (::rename(draft.c_str(), path.c_str()) != 0) fail(path, "cannot be written");
  keep_name_of(path);
}

bool write_new_file(const std::filesystem::path& path, const std::string& bytes, mode_t mode) {
  const std::string draft = write_draft(path, bytes, mode);
  const bool fresh = ::link(draft.c_str(), path.c_str()) == 0;
  const int problem = errno;
  ::unlink(draft.c_str());
  if (!fresh && problem != EEXIST) {
    errno = problem;
    fail(path, "cannot be written");
  }
  if (fresh) keep_name_of(path);
  return fresh;
}

}  // namespace alphorn
