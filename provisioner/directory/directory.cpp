#include "directory/directory.hpp"

namespace alphorn::directory {

const Words<JoinRule>& join_rule_words() {
  static const Words<JoinRule> words{{"invite", JoinRule::invite},
                                     {"knock", JoinRule::knock},
                                     {"restricted", JoinRule::restricted},
                                     {"knock_restricted", JoinRule::knock_restricted},
                                     {"public", JoinRule::open}};
  return words;
}

const Words<History>& history_words() {
  static const Words<History> words{{"joined", History::joined},
                                    {"invited", History::invited},
                                    {"shared", History::shared},
                                    {"world_readable", History::world_readable}};
  return words;
}

std::string to_string(const Problem& problem) {
  std::string text = problem.place.file;
  if (problem.place.line > 0) text += ":" + std::to_string(problem.place.line);
  if (problem.place.column > 0) text += ":" + std::to_string(problem.place.column);
  if (!problem.field.empty()) text += ": " + problem.field;
  return text + ": " + problem.message;
}

}  // namespace alphorn::directory
