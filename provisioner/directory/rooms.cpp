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
const std::vector<std::string> kVersions{"10", "11", "12"};

/// What a room gets from where it is, unless it says otherwise.
struct Inherited {
  std::string parent;
  std::set<std::string> administrators;
  std::vector<std::string> deputies;
  std::set<std::string> members;
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

Defaults read_defaults(Fields fields) {
  Defaults defaults;
  defaults.encrypted = fields.boolean("encrypted", true);
  defaults.version = fields.word("version", kVersions).value_or(defaults.version);
  defaults.join_rule = fields.choice("joinRule", join_rule_words(), defaults.join_rule);
  defaults.history = fields.choice("history", history_words(), defaults.history);
  defaults.retention_s = fields.duration_s("retention");
  defaults.power = fields.levels("powerLevels");
  fields.end();
  return defaults;
}

class Reader {
 public:
  Reader(const Names& names, std::string server_name, Defaults defaults)
      : names_(names), server_name_(std::move(server_name)), defaults_(std::move(defaults)) {}

  void top(Fields& spec) {
    const Inherited nothing{.members = names_.everyone()};
    spec.each("spaces", [&](Fields& fields) { add(fields, /*is_space=*/true, nothing); });
    spec.each("rooms", [&](Fields& fields) { add(fields, /*is_space=*/false, nothing); });
  }

  std::vector<Room> in_order(Document& document) {
    link(document);
    std::vector<Room> sorted;
    std::map<std::string, int> marks;  // 1: being visited, 2: done
    const std::function<void(const Room&)> visit = [&](const Room& room) {
      int& mark = marks[room.key];
      if (mark == 2) return;
      if (mark == 1) {
        document.problems.push_back(
            {room.place, "parent",
             "space \"" + room.key + "\" lies within itself; break the circle"});
        return;
      }
      mark = 1;
      if (const Room* parent = by_key(room.parent)) visit(*parent);
      if (marks[room.key] == 2) return;
      marks[room.key] = 2;
      sorted.push_back(room);
    };
    for (const Room& room : rooms_) visit(room);
    return sorted;
  }

 private:
  const Room* by_key(const std::string& key) const {
    const auto found = std::find_if(rooms_.begin(), rooms_.end(),
                                    [&](const Room& room) { return room.key == key; });
    return key.empty() || found == rooms_.end() ? nullptr : &*found;
  }

  /// `parent` of rooms that are listed flat.
  void link(Document& document) {
    std::vector<std::string> keys;
    for (const Room& room : rooms_) {
      if (room.is_space) keys.push_back(room.key);
    }
    for (Room& room : rooms_) {
      if (room.parent.empty()) continue;
      const Room* parent = by_key(room.parent);
      if (parent == nullptr || !parent->is_space) {
        document.problems.push_back({room.place, "parent",
                                     "\"" + room.parent + "\" is no space of this document" +
                                         did_you_mean(room.parent, keys)});
        room.parent = "";
      } else if (flat_.contains(room.key) && !own_members_.contains(room.key)) {
        room.members = parent->members;
        room.is_for_guests = parent->is_for_guests;
      }
    }
  }

  void add(Fields& fields, bool is_space, const Inherited& from) {
    if (from.depth > kDeepest) {
      fields.problem("", "spaces lie more than 20 deep; make the tree flatter");
      return;
    }
    Room room{.parent = from.parent, .is_space = is_space, .place = fields.place("key")};
    read_identity(fields, room);
    read_kind(fields, room);
    Inherited inner = read_people(fields, room, from);
    if (const std::string flat = fields.text("parent"); !flat.empty()) {
      if (!from.parent.empty()) {
        fields.problem("parent", "the room lies in space \"" + from.parent +
                                     "\" already; it can be in one place only");
      } else {
        room.parent = flat;
        flat_.insert(room.key);
      }
    }
    if (room.parent.empty() && room.join_rule == JoinRule::restricted) {
      room.join_rule = JoinRule::invite;
    }
    rooms_.push_back(std::move(room));
    if (!is_space) return;
    fields.each("rooms", [&](Fields& child) { add(child, /*is_space=*/false, inner); });
    fields.each("spaces", [&](Fields& child) { add(child, /*is_space=*/true, inner); });
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
    for (const auto& [action, level] : fields.levels("powerLevels")) {
      room.power_actions[action] = level;
    }
  }

  Inherited read_people(Fields& fields, Room& room, const Inherited& from) {
    Inherited own = from;
    own.parent = room.key;
    ++own.depth;
    const bool reserved = fields.boolean("reserved", false);
    if (reserved && !room.is_space) {
      fields.problem("reserved", "only a space can be reserved for guests");
    } else if (reserved && !from.parent.empty()) {
      fields.problem("reserved",
                     "a space for guests must lie at the top: in another one its guests "
                     "would see what is beside it");
    }
    if (reserved && from.parent.empty()) own.members.clear();
    own.for_guests = from.for_guests || reserved;
    if (fields.has("administrators")) own.administrators = names_.resolve(fields, "administrators");
    if (fields.has("deputies")) own.deputies = names_.people(fields, "deputies");
    if (fields.has("members")) {
      own.members = names_.resolve(fields, "members");
      own_members_.insert(room.key);
    } else {
      fields.texts("members");
    }
    fields.texts("administrators");
    fields.texts("deputies");
    own.members.insert(own.administrators.begin(), own.administrators.end());
    for (const std::string& user : own.members) {
      if (!own.for_guests && !names_.is_employee(user)) {
        fields.problem("members", user +
                                      " is a guest and this is no space for guests; say "
                                      "\"reserved: true\" at its top, or leave the guest out");
      }
    }
    room.is_for_guests = own.for_guests;
    room.members = own.members;
    room.deputies = own.deputies;
    for (const std::string& user : own.administrators) room.power_users[user] = kAdministrator;
    return own;
  }

  const Names& names_;
  const std::string server_name_;
  const Defaults defaults_;
  std::vector<Room> rooms_;
  std::map<std::string, Place> keys_;
  std::set<std::string> flat_;
  std::set<std::string> own_members_;
};

}  // namespace

std::vector<Room> read_rooms(Fields& spec, const Names& names, const std::string& server_name) {
  Reader reader{names, server_name, read_defaults(spec.object("roomDefaults"))};
  reader.top(spec);
  return reader.in_order(spec.document());
}

}  // namespace alphorn::directory
