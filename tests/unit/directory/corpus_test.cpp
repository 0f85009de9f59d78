// Documents that must not be taken, each with one fault and the one line that is said of it. A
// change of what is said shows as a change of expected.txt: run with UPDATE_GOLDEN=1 and review the
// difference.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "directory/read.hpp"
#include "support/source_dir.hpp"

namespace alphorn::directory {
namespace {

namespace fs = std::filesystem;

fs::path corpus(const std::string& which) {
  return fs::path(source_dir()) / "tests/directory" / which;
}

std::string content(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>(file), {}};
}

Reading read_here(const fs::path& folder) {
  return read("directory.yaml", content(folder / "directory.yaml"),
              [&](const std::string& name) -> std::optional<std::string> {
                if (!fs::exists(folder / name)) return std::nullopt;
                return content(folder / name);
              });
}

TEST(Rejected, EachSaysOneThingAndItIsTheRightOne) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(corpus("rejected"))) {
    ++count;
    const Reading reading = read_here(entry.path());
    std::string said;
    for (const Problem& problem : reading.problems) said += to_string(problem) + "\n";
    const fs::path expected = entry.path() / "expected.txt";
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream{expected} << said;
    EXPECT_EQ(said, content(expected)) << entry.path();
    EXPECT_EQ(reading.problems.size(), 1U) << entry.path() << "\n" << said;
  }
  EXPECT_GE(count, 60);
}

}  // namespace
}  // namespace alphorn::directory
