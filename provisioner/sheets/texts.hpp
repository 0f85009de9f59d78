#pragma once

#include <string>
#include <vector>

namespace alphorn::sheets {

/// The words of a welcome sheet in one language. "{company}" stands for the company's name.
struct Texts {
  std::string title;
  std::string greeting;  ///< "{name}" stands for the person's name
  std::string address;
  std::string user_name;
  std::string password;
  std::string no_password;
  std::string web;
  std::string code;
  std::string steps_title;
  std::vector<std::string> steps;
  std::string keys_title;
  std::vector<std::string> keys;
  std::string keep;
};

/// English for a language that it does not have.
const Texts& texts_in(const std::string& language);

}  // namespace alphorn::sheets
