#include "directory/directory.hpp"

namespace alphorn::directory {

std::string to_string(const Problem& problem) {
  std::string text = problem.place.file;
  if (problem.place.line > 0) text += ":" + std::to_string(problem.place.line);
  if (problem.place.column > 0) text += ":" + std::to_string(problem.place.column);
  if (!problem.field.empty()) text += ": " + problem.field;
  return text + ": " + problem.message;
}

}  // namespace alphorn::directory
