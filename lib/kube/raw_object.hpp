#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "kube/kind.hpp"

namespace alphorn::kube {

/// The JSON object in `text`; null when it is none. What json::parse gives, in half the time.
json parsed_object(std::string_view text);

/// An object as text, of which only the metadata has been looked at: an operator sees many objects
/// and reads few.
struct RawObject {
  Key key;
  std::string resource_version;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string text;  ///< JSON

  /// The whole object. Parses: keep the result. Throws std::runtime_error for what is no object.
  json read() const;
  /// The label's value, "" when there is none.
  std::string label(std::string_view name) const;
};

/// Fields to leave out, by their path from the object's root: {{"spec"}, {"metadata",
/// "managedFields"}}. A field inside a list cannot be named.
using FieldPaths = std::vector<std::vector<std::string>>;

/// The bookkeeping that nobody but the API server reads, a fifth or more of an object's bytes:
/// managed fields, and the copy that `kubectl apply` keeps.
const FieldPaths& bookkeeping();

/// Cuts fields out of objects while it copies their text. Immutable and thread-safe.
class Cutter {
 public:
  explicit Cutter(const FieldPaths& paths = {});
  ~Cutter();
  Cutter(Cutter&&) noexcept;
  Cutter& operator=(Cutter&&) noexcept;

  /// `kind`, when given, names the object: items of a list do not say what they are.
  /// Throws std::runtime_error for what is no JSON object.
  RawObject cut(std::string_view object, const Kind* kind = nullptr) const;

  /// One page of a list.
  struct Page {
    std::vector<RawObject> items;
    std::string resource_version;
    std::string next;  ///< the `continue` token, "" on the last page
  };
  Page cut_page(std::string_view list, const Kind& kind) const;

  /// A line of a watch: its type ("ADDED") and its object.
  struct Event {
    std::string type;
    RawObject object;
  };
  Event cut_event(std::string_view line, const Kind& kind) const;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

}  // namespace alphorn::kube
