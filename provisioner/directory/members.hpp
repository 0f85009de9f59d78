#pragma once

#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace alphorn::directory {

/// User ids, shared by copies until one of them is changed: most rooms of a company have the same
/// people in them. Copies in several threads may be read at once, as of any container.
class Members {
 public:
  using Set = std::set<std::string>;
  using value_type = std::string;
  using const_iterator = Set::const_iterator;

  Members() = default;
  Members(std::initializer_list<std::string> users) : users_(std::make_shared<Set>(users)) {}
  Members(Set users) : users_(std::make_shared<Set>(std::move(users))) {}

  const_iterator begin() const { return all().begin(); }
  const_iterator end() const { return all().end(); }
  std::size_t size() const { return all().size(); }
  bool empty() const { return all().empty(); }
  bool contains(const std::string& user) const { return all().contains(user); }
  const Set& all() const {
    static const Set nobody;
    return users_ ? *users_ : nobody;
  }

  void insert(const std::string& user) {
    if (!contains(user)) own().insert(user);
  }
  void erase(const std::string& user) {
    if (contains(user)) own().erase(user);
  }
  void clear() { users_.reset(); }

  bool operator==(const Members& other) const {
    return users_ == other.users_ || all() == other.all();
  }

 private:
  Set& own() {
    if (!users_ || users_.use_count() > 1) users_ = std::make_shared<Set>(all());
    return *users_;
  }

  std::shared_ptr<Set> users_;
};

}  // namespace alphorn::directory
