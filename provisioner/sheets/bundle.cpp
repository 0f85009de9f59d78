#include "sheets/bundle.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <regex>
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

/// The number in "credentials-000012.tar.age"; 0 for any other name.
int part_number(const fs::path& path) {
  static const std::regex form{R"(credentials-([0-9]{1,9})\.tar\.age)"};
  const std::string name = path.filename().string();
  std::smatch found;
  return std::regex_match(name, found, form) ? std::stoi(found[1]) : 0;
}

/// By number: of a person who is in several, the last one counts.
std::map<int, fs::path> parts_of(const fs::path& folder) {
  std::map<int, fs::path> parts;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (const int number = part_number(entry.path()); number > 0) parts[number] = entry.path();
  }
  return parts;
}

std::string digits(int number) {
  constexpr std::size_t kDigits = 6;
  std::string text = std::to_string(number);
  if (text.size() < kDigits) text.insert(0, kDigits - text.size(), '0');
  return text;
}

/// A number that no part of the folder has, and no other thread is about to give one.
int next_number(const fs::path& folder) {
  static std::mutex one_at_a_time;
  static std::map<fs::path, int> given;
  const std::scoped_lock lock{one_at_a_time};
  const std::map<int, fs::path> parts = parts_of(folder);
  int& last = given[fs::absolute(folder)];
  last = std::max(last, parts.empty() ? 0 : parts.rbegin()->first) + 1;
  return last;
}

/// Every part's table has a name of its own: who unpacks them all into one folder loses none.
std::string table_of(int number) { return "credentials-" + digits(number) + ".csv"; }

bool is_table(const std::string& name) {
  return name.starts_with("credentials") && name.ends_with(".csv");
}

Files contents(const std::vector<Sheet>& sheets, int number) {
  Files files;
  std::string table = kHeader;
  for (const Sheet& sheet : sheets) {
    files[file_stem(sheet.user_id) + ".pdf"] = pdf_of(sheet);
    table += quoted(sheet.user_id) + "," + quoted(sheet.display_name) + "," +
             quoted(sheet.password.reveal()) + "\n";
  }
  files[table_of(number)] = Secret(std::move(table));
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

Files opened(const std::map<int, fs::path>& parts, const fs::path& identity) {
  Files all;
  std::map<std::string, std::string> lines;
  for (const auto& [number, part] : parts) {
    try {
      const Secret archive =
          output_of({.command = "age",
                     .arguments = {"--decrypt", "--identity", identity.string(), part.string()},
                     .most_output = kLargestPart,
                     .may_ask = true},
                    kPatienceWithPeople);
      for (auto& [name, content] : files_of(archive)) {
        if (is_table(name)) {
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

Secret sealed(Secret text, const std::vector<std::string>& recipients) {
  Program age{.command = "age", .arguments = {"--encrypt"}, .input = std::move(text)};
  // A header, a stanza for each recipient, and 16 bytes for every 64 KiB.
  age.most_output = 2 * age.input.reveal().size() + 64UL * 1024;
  for (const std::string& recipient : recipients) {
    age.arguments.insert(age.arguments.end(), {"--recipient", recipient});
  }
  return output_of(age, kPatience);
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

void try_recipients(const std::vector<std::string>& recipients) {
  check_recipients(recipients);
  sealed(Secret("nothing"), recipients);
}

void write_part(const fs::path& folder, const std::vector<Sheet>& sheets,
                const std::vector<std::string>& recipients) {
  check_recipients(recipients);
  fs::create_directories(folder);
  while (true) {
    const int number = next_number(folder);
    const fs::path part = folder / ("credentials-" + digits(number) + ".tar.age");
    const Secret bytes = sealed(archive_of(contents(sheets, number)), recipients);
    // Another process may have come first.
    if (write_new_file(part, bytes.reveal(), kPrivate)) return;
  }
}

Opened open_parts(const fs::path& source, const fs::path& identity, const fs::path& target) {
  if (!fs::exists(source)) throw std::runtime_error(source.string() + " is not there");
  if (!fs::exists(identity)) throw std::runtime_error(identity.string() + " is not there");
  const std::map<int, fs::path> parts =
      fs::is_directory(source) ? parts_of(source) : std::map<int, fs::path>{{1, source}};
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
