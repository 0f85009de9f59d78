#include "sheets/bundle.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <stdexcept>

#include "base/file.hpp"
#include "base/run_program.hpp"
#include "sheets/archive.hpp"

namespace alphorn::sheets {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kPatience{2};
/// A person may have to type a passphrase.
constexpr std::chrono::minutes kPatienceWithPeople{10};
constexpr mode_t kPrivate = 0600;
constexpr std::size_t kLargestPart = 512UL * 1024 * 1024;
constexpr std::string_view kPrefix = "credentials-";
constexpr std::string_view kSuffix = ".tar.age";
constexpr const char* kTable = "credentials.csv";
constexpr const char* kHeader = "user id,display name,first password\n";

std::string quoted(const std::string& text) {
  std::string field = "\"";
  for (const char letter : text) {
    if (letter == '"') field += '"';
    field += letter;
  }
  return field + "\"";
}

/// "@anna:acme.example" -> "anna", with nothing in it that a folder could take for a path.
std::string file_stem(const std::string& user_id) {
  std::string stem;
  for (const char letter : user_id.substr(1, user_id.find(':') - 1)) {
    // No user id holds a percent sign: two people never share a file.
    stem += letter == '/' ? "%2F" : std::string(1, letter);
  }
  return stem;
}

bool is_part(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(kPrefix) && name.ends_with(kSuffix);
}

std::vector<fs::path> parts_of(const fs::path& folder) {
  std::vector<fs::path> parts;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_part(entry.path())) parts.push_back(entry.path());
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

fs::path next_part(const fs::path& folder) {
  constexpr int kDigits = 6;
  const std::vector<fs::path> parts = parts_of(folder);
  int number = 1;
  if (!parts.empty()) {
    number = std::atoi(parts.back().filename().string().substr(kPrefix.size()).c_str()) + 1;
  }
  std::string digits = std::to_string(number);
  digits.insert(0, static_cast<std::size_t>(std::max(0, kDigits - static_cast<int>(digits.size()))),
                '0');
  return folder / (std::string(kPrefix) + digits + std::string(kSuffix));
}

Files contents(const std::vector<Sheet>& sheets) {
  Files files;
  std::string table = kHeader;
  for (const Sheet& sheet : sheets) {
    files[file_stem(sheet.user_id) + ".pdf"] = pdf_of(sheet);
    table += quoted(sheet.user_id) + "," + quoted(sheet.display_name) + "," +
             quoted(sheet.password.reveal()) + "\n";
  }
  files[kTable] = Secret(std::move(table));
  return files;
}

/// Lines of a table by their first field; the header is left out.
void merge_table(const std::string& text, std::map<std::string, std::string>& lines) {
  std::size_t begin = text.find('\n') + 1;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    lines[line.substr(0, line.find("\","))] = line;
    begin = end + 1;
  }
}

Files opened(const std::vector<fs::path>& parts, const fs::path& identity) {
  Files all;
  std::map<std::string, std::string> lines;
  for (const fs::path& part : parts) {
    try {
      const Secret archive =
          output_of({.command = "age",
                     .arguments = {"--decrypt", "--identity", identity.string(), part.string()},
                     .most_output = kLargestPart},
                    kPatienceWithPeople);
      for (auto& [name, content] : files_of(archive)) {
        if (name == kTable) {
          merge_table(content.reveal(), lines);
        } else {
          all[name] = content;
        }
      }
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(part.string() + " cannot be opened with " + identity.string() +
                               ": " + error.what());
    }
  }
  std::string table = kHeader;
  for (const auto& [user, line] : lines) table += line + "\n";
  all[kTable] = Secret(std::move(table));
  return all;
}

}  // namespace

void check_recipients(const std::vector<std::string>& recipients) {
  if (recipients.empty()) {
    throw std::invalid_argument(
        "first passwords must be sealed for somebody: give --recipient the public key of the "
        "client's administrator, which age-keygen prints (docs/welcome-sheets.md)");
  }
  for (const std::string& recipient : recipients) {
    if (recipient.starts_with("AGE-SECRET-KEY-")) {
      throw std::invalid_argument(
          "--recipient was given a secret key; give the public one, which begins with age1");
    }
    if (!recipient.starts_with("age1") && !recipient.starts_with("ssh-ed25519 ") &&
        !recipient.starts_with("ssh-rsa ")) {
      throw std::invalid_argument("--recipient \"" + recipient +
                                  "\" is no public key of age, which begins with age1");
    }
  }
}

void write_part(const fs::path& folder, const std::vector<Sheet>& sheets,
                const std::vector<std::string>& recipients) {
  static std::mutex one_at_a_time;
  check_recipients(recipients);
  Program age{.command = "age", .arguments = {"--encrypt"}, .input = archive_of(contents(sheets))};
  age.most_output = 2 * age.input.reveal().size();  // a header, and 16 bytes for every 64 KiB
  for (const std::string& recipient : recipients) {
    age.arguments.insert(age.arguments.end(), {"--recipient", recipient});
  }
  const Secret sealed = output_of(age, kPatience);
  const std::scoped_lock lock{one_at_a_time};
  fs::create_directories(folder);
  write_file(next_part(folder), sealed.reveal(), kPrivate);
}

Opened open_parts(const fs::path& source, const fs::path& identity, const fs::path& target) {
  if (!fs::exists(source)) throw std::runtime_error(source.string() + " is not there");
  if (!fs::exists(identity)) throw std::runtime_error(identity.string() + " is not there");
  const std::vector<fs::path> parts =
      fs::is_directory(source) ? parts_of(source) : std::vector<fs::path>{source};
  if (parts.empty()) {
    throw std::runtime_error(source.string() + " holds no sealed sheets (credentials-*.tar.age)");
  }
  if (fs::exists(target) && !fs::is_empty(target)) {
    throw std::runtime_error(target.string() + " is not empty; choose a new folder");
  }
  const Files files = opened(parts, identity);
  fs::create_directories(target);
  fs::permissions(target, fs::perms::owner_all);
  for (const auto& [name, content] : files) write_file(target / name, content.reveal(), kPrivate);
  return {.parts = static_cast<int>(parts.size()), .people = static_cast<int>(files.size()) - 1};
}

}  // namespace alphorn::sheets
