#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "apply/apply.hpp"

namespace alphorn::commands {

/// Who may read first passwords, and what the welcome sheets say besides.
struct SealOptions {
  std::vector<std::string> recipients;  ///< public keys of age
  std::string company;
  std::string web_url;
};

void add_seal_options(CLI::App& command, SealOptions& options);

/// What the command line says, else what the document says.
SealOptions merged(SealOptions said, const directory::Homeserver& homeserver);

/// Writes a sealed part into `folder` at each call. Throws std::runtime_error that names the option
/// to mend when nobody could read it.
apply::Seal make_seal(const SealOptions& options, const std::filesystem::path& folder);

}  // namespace alphorn::commands
