#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sheets/sheet.hpp"

namespace alphorn::sheets {

/// Throws std::invalid_argument, with the remedy, unless each is a public key of age ("age1...") or
/// of SSH that age takes ("ssh-ed25519 ..."), and there is one at least.
void check_recipients(const std::vector<std::string>& recipients);

/// The same, and seals something for them: throws std::runtime_error when age does not.
void try_recipients(const std::vector<std::string>& recipients);

/// Seals sheets for the owners of those keys: writes `folder`/credentials-NNNNNN.tar.age with the
/// next free number, mode 0600, whole or not at all, on disk when it returns. Inside are a PDF a
/// person and credentials-NNNNNN.csv. What is not sealed never leaves memory. Of a person who is in
/// several parts the last one counts: who was sealed in a part may have got no account then. Needs
/// the program age. Throws std::runtime_error. Thread-safe within one process.
void write_part(const std::filesystem::path& folder, const std::vector<Sheet>& sheets,
                const std::vector<std::string>& recipients);

/// What was opened.
struct Opened {
  int parts = 0;
  int people = 0;
};

/// Opens every part of a folder, or one part, with a private key's file, into `target`, which must
/// not exist or be empty: a PDF a person and one credentials.csv, mode 0600 in a folder of mode
/// 0700. Throws std::runtime_error, and leaves nothing, when a part cannot be opened.
Opened open_parts(const std::filesystem::path& source, const std::filesystem::path& identity,
                  const std::filesystem::path& target);

}  // namespace alphorn::sheets
