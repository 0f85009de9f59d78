#include "sheets/archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <stdexcept>

#include "base/freed.hpp"

namespace alphorn::sheets {
namespace {

constexpr int kPrivate = 0600;

using Writer = std::unique_ptr<archive, Freed<archive_write_free>>;
using Reader = std::unique_ptr<archive, Freed<archive_read_free>>;
using Entry = std::unique_ptr<archive_entry, Freed<archive_entry_free>>;

[[noreturn]] void fail(archive* handle, const std::string& what) {
  const char* why = archive_error_string(handle);
  throw std::runtime_error(what + (why == nullptr ? "" : std::string(": ") + why));
}

void check(int code, archive* handle, const std::string& what) {
  if (code < ARCHIVE_OK) fail(handle, what);
}

}  // namespace

Secret archive_of(const Files& files) {
  std::size_t most = 64UL * 1024;
  for (const auto& [name, content] : files) most += content.reveal().size() + 4096;
  std::string buffer(most, '\0');
  std::size_t used = 0;
  const Writer writer{archive_write_new()};
  check(archive_write_set_format_pax_restricted(writer.get()), writer.get(), "tar");
  check(archive_write_open_memory(writer.get(), buffer.data(), buffer.size(), &used), writer.get(),
        "tar");
  for (const auto& [name, content] : files) {
    const std::string& bytes = content.reveal();
    const Entry entry{archive_entry_new()};
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), kPrivate);
    check(archive_write_header(writer.get(), entry.get()), writer.get(), name);
    if (archive_write_data(writer.get(), bytes.data(), bytes.size()) !=
        static_cast<la_ssize_t>(bytes.size())) {
      fail(writer.get(), name);
    }
  }
  check(archive_write_close(writer.get()), writer.get(), "tar");
  buffer.resize(used);
  return Secret(std::move(buffer));
}

Files files_of(const Secret& sealed) {
  const Reader reader{archive_read_new()};
  check(archive_read_support_format_tar(reader.get()), reader.get(), "tar");
  const std::string& bytes = sealed.reveal();
  check(archive_read_open_memory(reader.get(), bytes.data(), bytes.size()), reader.get(),
        "the part holds no tar archive");
  Files files;
  archive_entry* entry = nullptr;
  while (true) {
    const int code = archive_read_next_header(reader.get(), &entry);
    if (code == ARCHIVE_EOF) return files;
    check(code, reader.get(), "the archive is damaged");
    const std::string name = archive_entry_pathname(entry);
    if (archive_entry_filetype(entry) != AE_IFREG || name.find('/') != std::string::npos ||
        name.empty() || name == "." || name == "..") {
      throw std::runtime_error("the archive holds \"" + name + "\", which is no sheet");
    }
    std::string content(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    const la_ssize_t count = archive_read_data(reader.get(), content.data(), content.size());
    if (count != static_cast<la_ssize_t>(content.size())) {
      fail(reader.get(), "the archive is damaged");
    }
    files[name] = Secret(std::move(content));
  }
}

}  // namespace alphorn::sheets
