#include "directory/rooms.hpp"

#include <algorithm>
#include <functional>

#include "directory/text.hpp"

namespace alphorn::directory {
namespace {

constexpr int kAdministrator = 100;
constexpr std::int64_t kMillisecondsInSecond = 1000;
constexpr std::size_t kLongestAlias = 255;
constexpr std::size_t kLongestName = 255;
constexpr int kDeepest = 20;
constexpr const char* kTooDeep = "spaces lie more than 20 deep; make the tree flatter";
const std::vector<std::string> kVersions{"10", "11", "12"};

/// A room as its entry says, before it gets from its space what it does not say itself.
struct Declared {
  Room room;
  bool is_reserved = false;
  std::optional<std::set<std::string>> administrators;
  std::optional<std::set<std::string>> members;
  std::optional<std::vector<std::string>> deputies;
  Problem reserved_inside;  ///< to be said when it is reserved and not at the top
  Problem guest_inside;     ///< of a guest among its members, whose id stands before the message
  Problem guest_deputy;     ///< of one among its deputies
};

/// What a room has, for those inside it.
struct Given {
  std::set<std::string> administrators;
  Members members;
  std::vector<std::string> deputies;
  bool for_guests = false;
  int depth = 0;
};

struct Defaults {
  bool encrypted = true;
  std::string version = "12";
  JoinRule join_rule = JoinRule::restricted;
  History history = History::shared;
  std::optional<std::int64_t> retention_s;
  std::map<std::string, int> power;
};

std::map<std::string, int> read_levels(Fields& fields) {
  std::map<std::string, int> levels = fields.levels("powerLevels");
  for (const char* map : {"users", "events", "notifications"}) {
    if (levels.erase(map) == 0) continue;
    fields.problem("powerLevels/" + std::string(map),
                   "no level of its own: name people as administrators, and events by their type, "
                   "such as m.room.name");
  }
  return levels;
}

Defaults read_defaults(Fields fields) {
  Defaults defaults;
  defaults.encrypted = fields.boolean("encrypted", true);
  defaults.version = fields.word("version", kVersions).value_or(defaults.version);
  defaults.join_rule = fields.choice("joinRule", join_rule_words(), defaults.join_rule);
  defaults.history = fields.choice("history", history_words(), defaults.history);
  defaults.retention_s = fields.duration_s("retention");
  defaults.power = read_levels(fields);
  fields.end();
  return defaults;
}

class Reader {
 public:
  Reader(const Names& names, std::string server_name, Defaults defaults)
      : names_(names), server_name_(std::move(server_name)), defaults_(std::move(defaults)) {}

  void top(Fields& spec) {
    spec.each("spaces", [&](Fields& fields) { add(fields, /*is_space=*/true, "", 0); });
    spec.each("rooms", [&](Fields& fields) { add(fields, /*is_space=*/false, "", 0); });
  }

  /// Everything resolved, parents before their children.
  std::vector<Room> resolved(Document& document) {
    const std::size_t before = document.problems.size();
    find_parents(document);
    const std::vector<const Declared*> sorted = in_order(document);
    std::vector<Room> rooms;
    if (document.problems.size() != before) return rooms;
    std::map<std::string, Given> given;
    for (const Declared* declared : sorted) {
      const auto parent = given.find(declared->room.parent);
      static const Given none;
      const Given& from = parent == given.end() ? none : parent->second;
      const bool at_top = parent == given.end();
      const Given own = inherited(*declared, from, at_top, document);
      rooms.push_back(with(own, declared->room));
      given.emplace(declared->room.key, own);
    }
    return rooms;
  }

 private:
  const Declared* by_key(const std::string& key) const {
    const auto found = std::find_if(declared_.begin(), declared_.end(),
                                    [&](const Declared& one) { return one.room.key == key; });
    return key.empty() || found == declared_.end() ? nullptr : &*found;
  }

  /// `parent` of rooms that are listed flat must be a space; a reserved tree begins at the top.
  void find_parents(Document& document) const {
    std::vector<std::string> keys;
    for (const Declared& one : declared_) {
      if (one.room.is_space) keys.push_back(one.room.key);
    }
    for (const Declared& one : declared_) {
      const Room& room = one.room;
      if (room.parent.empty()) continue;
      const Declared* parent = by_key(room.parent);
      if (parent == nullptr || !parent->room.is_space) {
        document.problems.push_back({room.place, "parent",
                                     "\"" + room.parent + "\" is no space of this document" +
                                         did_you_mean(room.parent, keys)});
      } else if (one.is_reserved) {
        document.problems.push_back(one.reserved_inside);
      }
    }
  }

  std::vector<const Declared*> in_order(Document& document) const {
    std::vector<const Declared*> sorted;
    std::map<std::string, int> marks;  // 1: being visited, 2: done
    const std::function<void(const Declared&)> visit = [&](const Declared& one) {
      const Room& room = one.room;
      int& mark = marks[room.key];
      if (mark == 2) return;
      if (mark == 1) {
        document.problems.push_back(
            {room.place, "parent",
             "space \"" + room.key + "\" lies within itself; break the circle"});
        return;
      }
      mark = 1;
      if (const Declared* parent = by_key(room.parent)) visit(*parent);
      if (marks[room.key] == 2) return;
      marks[room.key] = 2;
      sorted.push_back(&one);
    };
    for (const Declared& one : declared_) visit(one);
    return sorted;
  }

  Given inherited(const Declared& own, const Given& from, bool at_top, Document& document) const {
    Given result = from;
    if (at_top) {
      result.members = own.is_reserved ? Members{} : everyone_;
    } else if (++result.depth == kDeepest + 1) {
      document.problems.push_back({own.room.place, "", kTooDeep});
    }
    result.for_guests = from.for_guests || own.is_reserved;
    if (own.administrators) result.administrators = *own.administrators;
    if (own.deputies) result.deputies = *own.deputies;
    if (own.members) result.members = *own.members;
    for (const std::string& user : result.administrators) result.members.insert(user);
    const auto without_guests = [&](const auto& people, const Problem& otherwise) {
      for (const std::string& user : people) {
        if (result.for_guests || names_.is_employee(user)) continue;
        Problem problem = otherwise;
        problem.message = user + problem.message;
        document.problems.push_back(std::move(problem));
      }
    };
    // What is inherited was looked at where it was said.
    if (own.members || own.administrators) without_guests(result.members, own.guest_inside);
    if (own.deputies) without_guests(result.deputies, own.guest_deputy);
    return result;
  }

  static Room with(const Given& given, Room room) {
    room.is_for_guests = given.for_guests;
    room.members = given.members;
    room.deputies = given.deputies;
    for (const std::string& user : given.administrators) room.power_users[user] = kAdministrator;
    // At the top there is no space whose members could join by themselves.
    if (room.parent.empty() && room.join_rule == JoinRule::restricted) {
      room.join_rule = JoinRule::invite;
    } else if (room.parent.empty() && room.join_rule == JoinRule::knock_restricted) {
      room.join_rule = JoinRule::knock;
    }
    return room;
  }

  void add(Fields& fields, bool is_space, const std::string& parent, int depth) {
    if (depth > kDeepest) {
      fields.problem("", kTooDeep);
      return;
    }
    Declared own{.room = {.parent = parent, .is_space = is_space, .place = fields.place("key")}};
    read_identity(fields, own.room);
    read_kind(fields, own.room);
    read_people(fields, own);
    if (const std::string flat = fields.text("parent"); !flat.empty()) {
      if (parent.empty()) {
        own.room.parent = flat;
      } else {
        fields.problem("parent", "the room lies in space \"" + parent +
                                     "\" already; it can be in one place only");
      }
    }
    const std::string key = own.room.key;
    declared_.push_back(std::move(own));
    if (!is_space) return;
    fields.each("rooms", [&](Fields& child) { add(child, /*is_space=*/false, key, depth + 1); });
    fields.each("spaces", [&](Fields& child) { add(child, /*is_space=*/true, key, depth + 1); });
  }

  void read_identity(Fields& fields, Room& room) {
    static const std::string letters = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    room.key = fields.required_text("key");
    room.name = fields.text("name", room.key);
    room.topic = fields.text("topic");
    room.avatar = fields.text("avatar");
    if (room.name.size() > kLongestName)
      fields.problem("name", "must not have more than 255 bytes");
    if (!room.avatar.empty() && !room.avatar.starts_with("mxc://")) {
      fields.problem("avatar",
                     "\"" + room.avatar + "\" is no mxc:// address; upload the picture first");
    }
    if (room.key.empty()) return;
    if (room.key.find_first_not_of(letters) != std::string::npos) {
      fields.problem("key", "\"" + room.key + "\" may hold only a-z, 0-9, \"-\", \"_\" and \".\"");
    } else if (room.key.starts_with("alphorn-")) {
      fields.problem("key", "\"" + room.key + "\" is kept for Alphorn's own rooms; choose another");
    } else if (room.key.size() + server_name_.size() + 2 > kLongestAlias) {
      fields.problem("key", "makes an alias of more than 255 bytes");
    } else if (const auto [at, fresh] = keys_.emplace(room.key, fields.place("key")); !fresh) {
      fields.problem("key", "\"" + room.key + "\" is the key of another room already, at line " +
                                std::to_string(at->second.line) + "; choose another");
    }
  }

  void read_kind(Fields& fields, Room& room) {
    room.encrypted = fields.boolean("encrypted", room.is_space ? false : defaults_.encrypted);
    room.version = fields.word("version", kVersions).value_or(defaults_.version);
    room.join_rule = fields.choice("joinRule", join_rule_words(), defaults_.join_rule);
    room.history = fields.choice("history", history_words(), defaults_.history);
    std::optional<std::int64_t> retention = fields.duration_s("retention");
    if (!retention && !room.is_space) retention = defaults_.retention_s;
    if (retention) room.retention_ms = *retention * kMillisecondsInSecond;
    room.suggested = fields.boolean("suggested", false);
    room.federated = fields.boolean("federated", true);
    room.power_actions = defaults_.power;
    for (const auto& [action, level] : read_levels(fields)) room.power_actions[action] = level;
  }

  void read_people(Fields& fields, Declared& own) const {
    own.is_reserved = fields.boolean("reserved", false);
    if (own.is_reserved && !own.room.is_space) {
      fields.problem("reserved", "only a space can be reserved for guests");
      own.is_reserved = false;
    }
    own.reserved_inside = fields.about("reserved",
                                       "a space for guests must lie at the top: in another one "
                                       "its guests would see what is beside it");
    own.guest_inside = fields.about("members",
                                    " is a guest and this is no space for guests; say "
                                    "\"reserved: true\" at its top, or leave the guest out");
    own.guest_deputy = fields.about("deputies", own.guest_inside.message);
    if (fields.has("administrators")) own.administrators = names_.resolve(fields, "administrators");
    if (fields.has("deputies")) own.deputies = names_.people(fields, "deputies");
    if (fields.has("members")) own.members = names_.resolve(fields, "members");
    for (const char* known : {"administrators", "deputies", "members"}) fields.texts(known);
  }

  const Names& names_;
  const Members everyone_{names_.everyone()};
  const std::string server_name_;
  const Defaults defaults_;
  std::vector<Declared> declared_;
  std::map<std::string, Place> keys_;
};

}  // namespace

std::vector<Room> read_rooms(Fields& spec, const Names& names, const std::string& server_name) {
  Reader reader{names, server_name, read_defaults(spec.object("roomDefaults"))};
  reader.top(spec);
  return reader.resolved(spec.document());
}

}  // namespace alphorn::directory
