#include "plan/print.hpp"

#include "plan/room_state.hpp"

namespace alphorn::plan {
namespace {

/// A step as people see it: a sign, an action, what it is about, and what changes.
struct Line {
  char sign;
  std::string action;  ///< also the key of the summary
  std::string words;
  std::string object;
  std::string room = {};
  std::vector<Change> changes = {};
};

struct Describe {
  Line operator()(const CreateAccount& step) const {
    std::vector<Change> changes{{kDisplayName, "", step.person.display_name}};
    if (!step.person.email.empty()) changes.push_back({"e-mail", "", step.person.email});
    if (!step.person.external_id.empty()) {
      changes.push_back({"external id", "", step.person.external_id});
    }
    if (step.person.is_server_admin) changes.push_back({kServerAdministrator, "", "yes"});
    if (step.adopt) changes.push_back({"login", "a puppet's: none", "a person's"});
    changes.push_back({"first password", "", step.with_password ? "drawn and sealed" : "none"});
    return {'+', "createAccount", "create account", step.person.user_id, "", std::move(changes)};
  }
  Line operator()(const ChangeAccount& step) const {
    return {'~', "changeAccount", "change account", step.person.user_id, "", step.changes};
  }
  Line operator()(const LockAccount& step) const {
    return {'-', "lockAccount", "lock account and end its sessions of", step.user_id};
  }
  Line operator()(const DeactivateAccount& step) const {
    return {'-', step.erase ? "eraseAccount" : "deactivateAccount",
            step.erase ? "deactivate and erase account" : "deactivate account", step.user_id};
  }
  Line operator()(const CreateRoom& step) const {
    const Room& room = step.room;
    return {'+',
            room.is_space ? "createSpace" : "createRoom",
            room.is_space ? "create space" : "create room",
            room.key,
            "",
            {{"name", "", room.name},
             {"in", "", room.parent.empty() ? "the top" : room.parent},
             {"encrypted", "", room.encrypted ? "yes" : "no"},
             {"version", "", room.version}}};
  }
  Line operator()(const SetState& step) const {
    if (step.type == "m.space.child") {
      const bool unlink = step.content.empty();
      const std::string child = unlink ? step.state_key : placeholder_key(step.state_key);
      return {unlink ? '-' : '+', unlink ? "unlink" : "link", unlink ? "unlink" : "link", child,
              step.room};
    }
    return {'~', "setState", "set " + step.type + " of", step.room, "", {step.change}};
  }
  Line operator()(const Join& step) const { return {'+', "join", "join", step.user_id, step.room}; }
  Line operator()(const Invite& step) const {
    return {'+', "invite", "invite", step.user_id, step.room};
  }
  Line operator()(const Kick& step) const {
    return {'-', "remove", step.was_invited ? "withdraw the invitation of" : "remove", step.user_id,
            step.room};
  }
};

Line line_of(const Step& step) { return std::visit(Describe{}, step); }

std::string sentence(const Line& line) {
  std::string text = line.words + " " + line.object;
  if (!line.room.empty()) text += (line.sign == '-' ? " from " : " to ") + line.room;
  return text;
}

std::string coloured(char sign, const std::string& text, Colour colour) {
  if (colour == Colour::no) return text;
  const char* code = sign == '+' ? "\x1b[32m" : sign == '-' ? "\x1b[31m" : "\x1b[33m";
  return code + text + "\x1b[0m";
}

/// A control character in a name must not reach a terminal.
std::string plain(const std::string& text) {
  std::string result;
  for (const char letter : text) {
    result += static_cast<unsigned char>(letter) < ' ' || letter == 0x7f ? ' ' : letter;
  }
  return result;
}

std::string cell(const std::string& text) {
  std::string result;
  for (const char letter : plain(text)) {
    if (letter == '|' || letter == '\\' || letter == '`') result += '\\';
    result += letter;
  }
  return result;
}

std::string summary_line(const Plan& plan) {
  if (plan.steps.empty()) {
    return plan.ledger_changes ? "Nothing but the directory's own ledger would change."
                               : "Nothing would change.";
  }
  std::string text;
  const json counts = summary(plan);
  for (const auto& [action, count] : counts.items()) {
    text += (text.empty() ? "" : ", ") + action + " " + std::to_string(count.get<int>());
  }
  return std::to_string(plan.steps.size()) + " steps: " + text + ".";
}

}  // namespace

std::string to_string(const Step& step) { return plain(sentence(line_of(step))); }

json summary(const Plan& plan) {
  json counts = json::object();
  for (const Step& step : plan.steps) {
    json& count = counts[line_of(step).action];
    count = count.is_null() ? 1 : count.get<int>() + 1;
  }
  return counts;
}

std::string as_text(const Plan& plan, Colour colour) {
  std::string text;
  for (const Step& step : plan.steps) {
    const Line line = line_of(step);
    text += coloured(line.sign, std::string(1, line.sign) + " " + plain(sentence(line)), colour);
    text += '\n';
    for (const Change& change : line.changes) {
      text += "    " + change.field + ": ";
      if (!change.before.empty()) text += plain(change.before) + " -> ";
      text += plain(change.after) + "\n";
    }
  }
  for (const std::string& note : plan.notes) text += "! " + plain(note) + "\n";
  for (const Refusal& refusal : plan.refusals) {
    text += coloured('-', "! " + plain(refusal.text), colour) + "\n";
  }
  return text + summary_line(plan) + "\n";
}

std::string as_markdown(const Plan& plan) {
  std::string text = summary_line(plan) + "\n";
  if (!plan.steps.empty()) text += "\n| | step | fields |\n|---|---|---|\n";
  for (const Step& step : plan.steps) {
    const Line line = line_of(step);
    std::string fields;
    for (const Change& change : line.changes) {
      fields += (fields.empty() ? "" : "<br>") + cell(change.field) + ": ";
      if (!change.before.empty()) fields += cell(change.before) + " → ";
      fields += cell(change.after);
    }
    text +=
        "| " + std::string(1, line.sign) + " | " + cell(sentence(line)) + " | " + fields + " |\n";
  }
  if (!plan.notes.empty()) text += "\n";
  for (const std::string& note : plan.notes) text += "- " + cell(note) + "\n";
  for (const Refusal& refusal : plan.refusals) text += "\n**" + cell(refusal.text) + "**\n";
  return text;
}

json as_json(const Plan& plan) {
  json steps = json::array();
  for (const Step& step : plan.steps) {
    const Line line = line_of(step);
    json entry = {{"action", line.action}, {"object", line.object}};
    if (!line.room.empty()) entry["room"] = line.room;
    for (const Change& change : line.changes) {
      entry["changes"].push_back(
          {{"field", change.field}, {"before", change.before}, {"after", change.after}});
    }
    steps.push_back(std::move(entry));
  }
  json result = {{"steps", std::move(steps)},
                 {"summary", summary(plan)},
                 {"ledgerChanges", plan.ledger_changes},
                 {"notes", plan.notes}};
  for (const Refusal& refusal : plan.refusals) result["refusals"].push_back(refusal.text);
  return result;
}

}  // namespace alphorn::plan
