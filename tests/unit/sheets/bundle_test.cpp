#include "sheets/bundle.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>

#include "base/run_program.hpp"

namespace alphorn::sheets {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPassword = "canary2canary3";

class Bundle : public testing::Test {
 protected:
  Bundle() {
    std::string pattern = (fs::temp_directory_path() / "alphorn-sheets-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    recipient_ = make_key("key");
  }
  ~Bundle() override { fs::remove_all(folder_); }

  /// A new private key in a file of that name; returns the public one.
  std::string make_key(const std::string& name) {
    const fs::path path = folder_ / name;
    output_of({.command = "age-keygen", .arguments = {"-o", path.string()}}, limit_);
    std::string text =
        output_of({.command = "age-keygen", .arguments = {"-y", path.string()}}, limit_).reveal();
    text.pop_back();
    return text;
  }

  void seal(const std::string& localpart, const std::string& password) {
    write_part(parts(),
               {{.display_name = "Anna",
                 .user_id = "@" + localpart + ":acme.example",
                 .password = Secret(password),
                 .language = "en"}},
               {recipient_});
  }

  fs::path parts() const { return folder_ / "parts"; }
  fs::path opened() const { return folder_ / "opened"; }

  static std::string content(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const std::chrono::seconds limit_{10};
  fs::path folder_;
  std::string recipient_;
};

TEST_F(Bundle, IsOpenedByItsKeyAlone) {
  seal("anna", kPassword);
  make_key("other");
  EXPECT_THROW(open_parts(parts(), folder_ / "other", opened()), std::runtime_error);
  EXPECT_FALSE(fs::exists(opened()));
  EXPECT_EQ(open_parts(parts(), folder_ / "key", opened()).people, 1);
  EXPECT_THAT(content(opened() / "credentials.csv"), testing::HasSubstr(kPassword));
  EXPECT_TRUE(content(opened() / "anna.pdf").starts_with("%PDF-"));
}

TEST_F(Bundle, ShowsNoPasswordWhileItIsSealed) {
  seal("anna", kPassword);
  for (const auto& entry : fs::directory_iterator(parts())) {
    EXPECT_EQ(content(entry.path()).find(kPassword), std::string::npos) << entry.path();
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write);
  }
}

TEST_F(Bundle, OfSeveralPagesOfAPersonTheLastCounts) {
  seal("anna", "first");
  seal("beat", "other");
  seal("anna", "second");
  EXPECT_EQ(open_parts(parts(), folder_ / "key", opened()).parts, 3);
  const std::string table = content(opened() / "credentials.csv");
  EXPECT_THAT(table, testing::HasSubstr("second"));
  EXPECT_EQ(table.find("first\""), std::string::npos);
}

TEST_F(Bundle, APartIsNeverWrittenOverAnother) {
  seal("anna", "first");
  // What people leave beside parts, and what sorts behind them.
  for (const char* name : {"credentials-old.tar.age", "credentials-000001 (copy).tar.age",
                           "credentials-zzz.tar.age", "credentials-000007.tar.age.draft"}) {
    std::ofstream{parts() / name} << "no part";
  }
  seal("beat", "second");
  fs::rename(parts() / "credentials-000002.tar.age", parts() / "credentials-1000000.tar.age");
  seal("carla", "third");
  EXPECT_TRUE(fs::exists(parts() / "credentials-000001.tar.age"));
  EXPECT_TRUE(fs::exists(parts() / "credentials-1000001.tar.age"));
  EXPECT_EQ(open_parts(parts(), folder_ / "key", opened()).people, 3);
}

TEST_F(Bundle, UnpackedIntoOneFolderEveryPartKeepsItsTable) {
  seal("anna", "first");
  seal("beat", "second");
  fs::create_directories(opened());
  for (const auto& part : fs::directory_iterator(parts())) {
    const Secret archive =
        output_of({.command = "age",
                   .arguments = {"-d", "-i", (folder_ / "key").string(), part.path().string()}},
                  limit_);
    output_of({.command = "tar", .arguments = {"-x", "-C", opened().string()}, .input = archive},
              limit_);
  }
  EXPECT_THAT(content(opened() / "credentials-000001.csv"), testing::HasSubstr("first"));
  EXPECT_THAT(content(opened() / "credentials-000002.csv"), testing::HasSubstr("second"));
}

TEST_F(Bundle, ADamagedPartIsRefusedAndNothingIsLeft) {
  seal("anna", kPassword);
  const fs::path part = fs::directory_iterator(parts())->path();
  fs::resize_file(part, fs::file_size(part) - 10);
  EXPECT_THROW(open_parts(parts(), folder_ / "key", opened()), std::runtime_error);
  EXPECT_FALSE(fs::exists(opened()));
}

TEST(Recipients, AKeyThatAgeDoesNotTakeIsFoundBeforeItIsNeeded) {
  EXPECT_THROW(try_recipients({"age1qqqq"}), std::runtime_error);
  EXPECT_NO_THROW(
      try_recipients({"age1hdez4x4p28s7fmrpdvf3rheuevyrsa6qx86t4xyhmpp8rsuxg4yqk3u2n4"}));
}

TEST(Recipients, WhatIsNoPublicKeyIsNamed) {
  EXPECT_THROW(check_recipients({}), std::invalid_argument);
  EXPECT_THROW(check_recipients({"AGE-SECRET-KEY-1ABC"}), std::invalid_argument);
  EXPECT_THROW(check_recipients({"anna@acme.example"}), std::invalid_argument);
  EXPECT_NO_THROW(
      check_recipients({"age1hdez4x4p28s7fmrpdvf3rheuevyrsa6qx86t4xyhmpp8rsuxg4yqk3u2n4"}));
}

}  // namespace
}  // namespace alphorn::sheets
