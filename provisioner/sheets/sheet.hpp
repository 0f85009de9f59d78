#pragma once

#include <string>

#include "base/secret.hpp"

namespace alphorn::sheets {

/// What one person is handed once.
struct Sheet {
  std::string display_name;
  std::string user_id;   ///< "@anna:acme.example"
  Secret password;       ///< empty where people log in at their company's identity provider
  std::string language;  ///< en, fr, de or it; another one is taken for en
  std::string company;   ///< "" for the server's name
  std::string web_url;   ///< the web client's; "" for none
};

/// One page of A4 as PDF: address, user name, first password, a code that leads a phone to the
/// server, what to do, and what end-to-end keys mean. Throws std::runtime_error when the fonts are
/// not there. Thread-safe.
Secret pdf_of(const Sheet& sheet);

}  // namespace alphorn::sheets
