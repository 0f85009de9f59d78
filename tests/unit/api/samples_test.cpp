// What the schema accepts and refuses is written down once, in crds/samples and crds/rejected. The
// API server is asked in the contract tests; here the second check, validate(), must agree with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/company_homeserver.hpp"
#include "support/source_dir.hpp"

namespace alphorn::api {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> files_in(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() + "/crds/" + folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Samples, HaveNoViolation) {
  ASSERT_THAT(files_in("samples"), testing::Not(IsEmpty()));
  for (const auto& path : files_in("samples")) {
    const json sample = from_yaml(content(path));
    if (string_at(sample, "kind") != "CompanyHomeserver") continue;
    EXPECT_THAT(validate(company_homeserver_from(sample)), IsEmpty()) << path;
  }
}

TEST(Rejected, HaveTheViolationThatTheSchemaReports) {
  ASSERT_THAT(files_in("rejected"), testing::Not(IsEmpty()));
  for (const auto& path : files_in("rejected")) {
    const std::string text = content(path);
    // Changes of an existing object and misspelt fields are seen by the API server alone.
    if (text.find("alphorn.dev/checked-by: schema") != std::string::npos) continue;
    const json object = from_yaml(text);
    const json& annotations = at_path(object, "metadata/annotations");
    EXPECT_THAT(
        validate(company_homeserver_from(object)),
        Contains(Field(&Violation::message,
                       HasSubstr(annotations.at("alphorn.dev/expected").get<std::string>()))))
        << path;
  }
}

}  // namespace
}  // namespace alphorn::api
