#include "base/file.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace alphorn {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string pattern = (fs::temp_directory_path() / "alphorn-file-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FileTest() override { fs::remove_all(folder_); }

  static std::string content(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static mode_t mode_of(const fs::path& path) {
    struct stat about {};
    ::stat(path.c_str(), &about);
    return about.st_mode & 0777U;
  }

  fs::path folder_;
};

TEST_F(FileTest, WhatAKilledProcessLeftGivesNothingAway) {
  std::ofstream{folder_ / "secret.draft"} << "half";
  fs::permissions(folder_ / "secret.draft", fs::perms::all);
  write_file(folder_ / "secret", "s3cret", 0600);
  EXPECT_EQ(content(folder_ / "secret"), "s3cret");
  EXPECT_EQ(mode_of(folder_ / "secret"), 0600U);
}

TEST_F(FileTest, ALinkInItsPlaceIsNotFollowed) {
  std::ofstream{folder_ / "victim"} << "mine";
  fs::create_symlink(folder_ / "victim", folder_ / "secret.draft");
  write_file(folder_ / "secret", "s3cret", 0600);
  EXPECT_EQ(content(folder_ / "victim"), "mine");
}

TEST_F(FileTest, ANewFileReplacesNone) {
  EXPECT_TRUE(write_new_file(folder_ / "part", "first", 0600));
  EXPECT_FALSE(write_new_file(folder_ / "part", "second", 0600));
  EXPECT_EQ(content(folder_ / "part"), "first");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}), 1);
  EXPECT_THROW(write_new_file(folder_ / "no" / "part", "x", 0600), std::runtime_error);
}

}  // namespace
}  // namespace alphorn
