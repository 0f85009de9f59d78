#include "plan/plan.hpp"

#include <algorithm>
#include <iterator>

#include "base/encoding.hpp"
#include "plan/room_state.hpp"

namespace alphorn::plan {
namespace {

using directory::Directory;
using directory::Leavers;

std::string of_bool(bool value) { return value ? "yes" : "no"; }

class Planner {
 public:
  Planner(const Directory& directory, const Live& live, std::int64_t now_s)
      : directory_(directory), live_(live), now_s_(now_s) {}

  Plan make() {
    plan_.ledger = live_.ledger;
    owner();
    for (const Person& person : directory_.people) account(person);
    erase_again();
    for (const std::string& guest : directory_.federated_guests) plan_.ledger[guest];
    leavers();
    // Who cannot use the account gets no power and joins nothing.
    std::set<std::string> here = directory_.federated_guests;
    std::set_difference(staff_.begin(), staff_.end(), unusable_.begin(), unusable_.end(),
                        std::inserter(here, here.end()));
    for (const Room& room : directory_.rooms) leaders_[room.key] = leaders_of(room, here);
    for (const auto& [key, room] : live_.rooms) ids_[key] = room.room_id;
    for (const Room& room : directory_.rooms) create(room);
    for (const Room& room : directory_.rooms) state(room);
    for (const Room& room : directory_.rooms) members(room);
    forget_outsiders();
    for (const auto& [key, room] : live_.rooms) {
      if (named(key) != nullptr) continue;
      plan_.notes.push_back("room " + key + " is not in the document and is left alone");
    }
    plan_.ledger_changes = differs(plan_.ledger, live_.ledger) ||
                           (!directory_.name.empty() && directory_.name != live_.document);
    return std::move(plan_);
  }

 private:
  static bool differs(const std::map<std::string, Charge>& left,
                      const std::map<std::string, Charge>& right) {
    return !std::equal(left.begin(), left.end(), right.begin(), right.end(),
                       [](const auto& one, const auto& other) {
                         return one.first == other.first &&
                                one.second.fingerprint == other.second.fingerprint &&
                                one.second.left_s == other.second.left_s;
                       });
  }

  void refuse(Refusal::Why why, std::string text, int leavers = 0) {
    plan_.refusals.push_back({.why = why, .text = std::move(text), .leavers = leavers});
  }

  void owner() {
    if (live_.document.empty() || live_.document == directory_.name) return;
    refuse(Refusal::Why::of_another_document,
           directory_.server_name + " has the directory \"" + live_.document +
               "\" already, and this document is " +
               (directory_.name.empty() ? "called nothing" : "\"" + directory_.name + "\"") +
               " (metadata.name): whoever it does not name would be taken for a leaver. "
               "When it takes the other's place, say --take-over");
  }

  /// Guests of other servers who are in no document and, after this, in no room.
  void forget_outsiders() {
    const std::string here = ":" + directory_.server_name;
    const auto is_dropped = [&](const std::string& user) {
      return !user.ends_with(here) && !directory_.federated_guests.contains(user) &&
             live_.ledger.contains(user);
    };
    for (const auto& [key, room] : live_.rooms) {
      if (named(key) != nullptr) continue;  // members() has seen to it
      for (const std::string& user : room.joined) {
        if (is_dropped(user)) plan_.steps.push_back(Kick{.room = key, .user_id = user});
      }
      for (const std::string& user : room.invited) {
        if (!is_dropped(user)) continue;
        plan_.steps.push_back(Kick{.room = key, .user_id = user, .was_invited = true});
      }
    }
    std::erase_if(plan_.ledger, [&](const auto& entry) { return is_dropped(entry.first); });
  }

  /// The document's room of that key; null when there is none.
  const Room* named(const std::string& key) const {
    const auto found = std::find_if(directory_.rooms.begin(), directory_.rooms.end(),
                                    [&](const Room& room) { return room.key == key; });
    return found == directory_.rooms.end() ? nullptr : &*found;
  }

  void account(const Person& person) {
    if (person.user_id == live_.bot) {
      refuse(Refusal::Why::impossible,
             person.user_id +
                 " is the account that does this work; give the person another localpart, or "
                 "choose another --account");
      return;
    }
    staff_.insert(person.user_id);
    const Charge charge{.fingerprint = fingerprint_of(person)};
    const auto found = live_.accounts.find(person.user_id);
    const bool was_erased = live_.erased.contains(person.user_id);
    if (was_erased && (found == live_.accounts.end() || !found->second.deactivated)) {
      refuse(Refusal::Why::impossible,
             person.user_id +
                 " was erased by a former run, and would be again; give the person another "
                 "localpart, or take the line with " +
                 sha256_hex(person.user_id) + " out of erasures.jsonl");
      return;
    }
    if (found == live_.accounts.end()) {
      plan_.steps.push_back(CreateAccount{.person = person, .with_password = directory_.passwords});
      plan_.ledger[person.user_id] = charge;
      return;
    }
    if (found->second.deactivated) {
      plan_.notes.push_back(person.user_id + (was_erased ? " was erased" : " was deactivated") +
                            "; give the person another localpart" +
                            (was_erased ? "" : ", or reactivate it"));
      unusable_.insert(person.user_id);
      return;
    }
    if (found->second.is_puppet) {
      plan_.steps.push_back(
          CreateAccount{.person = person, .with_password = directory_.passwords, .adopt = true});
      plan_.ledger[person.user_id] = charge;
      return;
    }
    change(person, found->second, charge);
  }

  void change(const Person& person, const LiveAccount& account, const Charge& charge) {
    const auto known = live_.ledger.find(person.user_id);
    ChangeAccount step{.person = person};
    if (account.display_name != person.display_name) {
      step.changes.push_back({kDisplayName, account.display_name, person.display_name});
    }
    if (account.admin != person.is_server_admin) {
      step.changes.push_back(
          {kServerAdministrator, of_bool(account.admin), of_bool(person.is_server_admin)});
    }
    if (account.locked && known != live_.ledger.end() && known->second.left_s > 0) {
      step.unlock = true;
      step.changes.push_back({"locked", "yes", "no"});
    } else if (account.locked) {
      plan_.notes.push_back(person.user_id + " was locked by hand and stays locked");
    }
    if (known == live_.ledger.end() || known->second.fingerprint != charge.fingerprint) {
      step.look = true;
      step.changes.push_back({"e-mail and external id", "unknown or others", "as in the document"});
    }
    if (!step.changes.empty()) plan_.steps.push_back(std::move(step));
    plan_.ledger[person.user_id] = charge;
  }

  /// Only who was in charge: an account that somebody has made since is not the erased one.
  void erase_again() {
    for (const std::string& user : live_.erased) {
      const auto account = live_.accounts.find(user);
      if (account == live_.accounts.end() || account->second.deactivated) continue;
      if (staff_.contains(user) || !live_.ledger.contains(user)) continue;
      plan_.steps.push_back(DeactivateAccount{.user_id = user, .erase = true});
    }
  }

  void leavers() {
    std::vector<std::string> leaving;
    int staying = 0;
    for (const auto& [user, charge] : live_.ledger) {
      const auto account = live_.accounts.find(user);
      if (account == live_.accounts.end()) continue;  // of another server, or not there
      if (user == live_.bot) continue;                // a former account's work is its own now
      if (live_.erased.contains(user)) continue;      // once more, without its cool-down
      if (account->second.is_puppet) continue;        // nobody can log in to it
      if (staff_.contains(user)) {
        ++staying;
      } else if (account->second.deactivated) {
        continue;
      } else if (charge.left_s == 0) {
        leaving.push_back(user);
      } else {
        retire(user, charge, account->second.locked);
      }
    }
    for (const std::string& user : leaving) {
      plan_.steps.push_back(LockAccount{user});
      plan_.ledger[user].left_s = now_s_;
    }
    const int all = staying + static_cast<int>(leaving.size());
    const int most = std::max(1, all * directory_.leavers.max_percent / 100);
    if (static_cast<int>(leaving.size()) > most) {
      refuse(Refusal::Why::too_many_leavers,
             std::to_string(leaving.size()) + " of " + std::to_string(all) +
                 " people would be locked, more than leavers.maxPercent (" +
                 std::to_string(directory_.leavers.max_percent) +
                 ") allows; when that is meant, say --allow-leavers " +
                 std::to_string(leaving.size()),
             static_cast<int>(leaving.size()));
    }
  }

  void retire(const std::string& user, const Charge& charge, bool locked) {
    const bool due = charge.left_s + directory_.leavers.cool_down_s <= now_s_;
    if (directory_.leavers.then == Leavers::Then::lock || !due) {
      if (!locked) plan_.steps.push_back(LockAccount{user});
      return;
    }
    plan_.steps.push_back(DeactivateAccount{
        .user_id = user, .erase = directory_.leavers.then == Leavers::Then::erase});
  }

  void create(const Room& room) {
    if (live_.rooms.contains(room.key)) return;
    CreateRoom step{room};
    step.room.power_users = leaders_.at(room.key);
    plan_.steps.push_back(std::move(step));
  }

  /// What creation does not do: the links from spaces to their children.
  void state(const Room& room) {
    const auto live = live_.rooms.find(room.key);
    State wanted = desired_state(room, directory_);
    if (live == live_.rooms.end()) {
      std::erase_if(wanted, [](const auto& entry) { return entry.first.first != "m.space.child"; });
    } else {
      wanted[{"m.room.power_levels", ""}] =
          desired_power(room, leaders_.at(room.key), live_.bot, &live->second);
      take_back(room, live->second, wanted);
      unlink(room, live->second, wanted);
      note_what_stays(room, live->second);
    }
    const LiveRoom& present = live == live_.rooms.end() ? kNobody : live->second;
    for (const auto& [of, content] : wanted) {
      if (of.first != kLocator) set(room, of, content, present);
    }
    // What was taken back is forgotten once it is.
    if (const auto mark = wanted.find({kLocator, ""}); mark != wanted.end()) {
      set(room, mark->first, mark->second, present);
    }
  }

  void set(const Room& room, const State::key_type& of, const json& content, const LiveRoom& live) {
    const json& present = live.content(of.first, with_ids(of.second, ids_));
    const json resolved = with_ids(content, ids_);
    const bool exact = of.first == "m.room.power_levels" || content.empty();
    if (exact ? present == resolved : holds(present, resolved)) return;
    plan_.steps.push_back(
        SetState{.room = room.key,
                 .type = of.first,
                 .state_key = of.second,
                 .content = content,
                 .change = {of.first, present.is_null() ? "" : present.dump(), content.dump()}});
  }

  void note_what_stays(const Room& room, const LiveRoom& live) {
    if (!room.encrypted && !room.is_space && !live.content("m.room.encryption").is_null()) {
      plan_.notes.push_back("room " + room.key + " is encrypted, which cannot be undone");
    }
    if (live.version() != room.version) {
      plan_.notes.push_back("room " + room.key + " has version " + live.version() +
                            ", which cannot change to " + room.version);
    }
  }

  /// What the document once determined and does not any more, and the former parent of a room that
  /// has moved.
  void take_back(const Room& room, const LiveRoom& live, State& wanted) const {
    static const std::map<std::string, json> emptied{{"m.room.topic", {{"topic", ""}}},
                                                     {"m.room.avatar", json::object()},
                                                     {"m.room.retention", json::object()}};
    for (const json& once : at_path(live.content(kLocator), "managed")) {
      const auto found = once.is_string() ? emptied.find(once.get<std::string>()) : emptied.end();
      if (found != emptied.end()) wanted.try_emplace({found->first, ""}, found->second);
    }
    for (const auto& [key, id] : ids_) {
      if (key == room.parent || live.content("m.space.parent", id).empty()) continue;
      wanted[{"m.space.parent", id}] = json::object();
    }
  }

  /// Managed rooms that a space still shows and that the document puts elsewhere.
  void unlink(const Room& room, const LiveRoom& live, State& wanted) const {
    for (const auto& [key, id] : ids_) {
      if (live.content("m.space.child", id).empty()) continue;
      const Room* child = named(key);
      if (child != nullptr && child->parent != room.key) {
        wanted[{"m.space.child", id}] = json::object();
      }
    }
  }

  void members(const Room& room) {
    const auto found = live_.rooms.find(room.key);
    const LiveRoom& live = found == live_.rooms.end() ? kNobody : found->second;
    for (const std::string& user : room.members) {
      if (unusable_.contains(user) || live.joined.contains(user)) continue;
      if (staff_.contains(user)) {
        plan_.steps.push_back(Join{room.key, user});
      } else if (!live.invited.contains(user)) {
        plan_.steps.push_back(Invite{room.key, user});
      }
    }
    for (const auto& [list, invited] : {std::pair{&live.joined, false}, {&live.invited, true}}) {
      for (const std::string& user : *list) {
        if (!plan_.ledger.contains(user) || room.members.contains(user) || user == live_.bot) {
          continue;
        }
        plan_.steps.push_back(Kick{.room = room.key, .user_id = user, .was_invited = invited});
      }
    }
  }

  static inline const LiveRoom kNobody;

  const Directory& directory_;
  const Live& live_;
  const std::int64_t now_s_;
  std::set<std::string> staff_;     ///< who has, or will have, an account here
  std::set<std::string> unusable_;  ///< of them, whose account cannot be used
  std::map<std::string, std::map<std::string, int>> leaders_;  ///< by room
  std::map<std::string, std::string> ids_;
  Plan plan_;
};

}  // namespace

const json& LiveRoom::content(const std::string& type, const std::string& key) const {
  static const json nothing;
  const auto found = state.find({type, key});
  return found == state.end() ? nothing : found->second;
}

std::string LiveRoom::version() const {
  // A create event without one is of the first version (client-server API, m.room.create).
  const std::string text = string_at(content("m.room.create"), "room_version");
  return text.empty() ? "1" : text;
}

std::string fingerprint_of(const Person& person) {
  return alphorn::fingerprint_of(json::array({person.email, person.external_id}));
}

Plan make_plan(const Directory& directory, const Live& live, std::int64_t now_s) {
  return Planner{directory, live, now_s}.make();
}

}  // namespace alphorn::plan
